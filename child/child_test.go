package child

import (
	"errors"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestEnvironment(t *testing.T) {
	own := "XDG_DATA_HOME" // a variable of this system's
	if runtime.GOOS == "windows" {
		own = "ProgramW6432"
	}
	for name, value := range map[string]string{
		"LC_TIME": "C", own: "/data", "CCACHE_DIR": "/ccache", "SOURCE_DATE_EPOCH": "1", "EMPTY": "",
		"LAB1_PASSWORD": "canary", "LC_PASSWORD": "canary", "TOKEN": "asked for", "https_proxy": "http://u:canary@proxy", "MAKEFLAGS": "-j",
	} {
		t.Setenv(name, value)
	}
	basics := []string{"LC_TIME=C", own + "=/data", "CCACHE_DIR=/ccache", "SOURCE_DATE_EPOCH=1"}
	for name, test := range map[string]struct {
		environment Environment
		has         []string
		hasNot      []string
		unset       string
	}{
		"basics": {Environment{}, basics, []string{"LAB1_PASSWORD", "TOKEN", "https_proxy", "MAKEFLAGS"}, ""},
		"asked for": {Environment{Also: []string{"TOKEN", "EMPTY"}}, append(basics, "TOKEN=asked for", "EMPTY="),
			[]string{"LAB1_PASSWORD", "https_proxy"}, ""},
		"a password on the list": {Environment{Never: []string{"LC_PASSWORD"}}, basics, []string{"LC_PASSWORD"}, ""},
		"a password asked for":   {Environment{Also: []string{"LAB1_PASSWORD"}, Never: []string{"LAB1_PASSWORD"}}, basics, []string{"LAB1_PASSWORD"}, ""},
		"not set":                {Environment{Also: []string{"NOT_SET_ANYWHERE"}}, nil, nil, "NOT_SET_ANYWHERE"},
	} {
		t.Run(name, func(t *testing.T) {
			env, err := test.environment.List()
			if unset, ok := errors.AsType[*UnsetError](err); (test.unset != "") != ok || ok && unset.Name != test.unset {
				t.Fatalf("error %v", err)
			}
			for _, variable := range test.has {
				if !slices.Contains(env, variable) {
					t.Errorf("%s is missing", variable)
				}
			}
			for _, name := range test.hasNot {
				if slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") }) {
					t.Errorf("%s is there", name)
				}
			}
		})
	}
}
