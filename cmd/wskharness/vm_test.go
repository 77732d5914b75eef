package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"wskharness/remote"
)

func TestExecLine(t *testing.T) {
	line := func(first string, args ...string) remote.CommandLine {
		return remote.CommandLine{Line: first, Args: args}
	}
	for _, test := range []struct {
		words []string
		want  remote.CommandLine
		err   string
	}{
		{words: []string{"echo %OS% & ver"}, want: line("echo %OS% & ver")},
		{words: []string{"--", "echo 50%"}, want: line("echo 50%")},
		{words: []string{"cmd", "/c", "echo 50%"}, want: line("cmd", "/c", "echo 50%")},
		{words: []string{`C:\Program Files\x.exe`, "-h"}, want: line(`"C:\Program Files\x.exe"`, "-h")},
		{words: []string{"x", "--", "--dir", ""}, want: line("x", "--", "--dir", "")},
		{words: []string{"--", "--", "x"}, want: line("--", "x")},
		{words: []string{"--", "-x"}, want: line("-x")},
		{words: []string{"--dir", "x", "cd"}, err: "--dir stands behind the guest"},
		{words: []string{"-h"}, err: "-h stands behind the guest"},
		{words: []string{" "}, err: "the command is empty"},
		{words: []string{"--", ""}, err: "the command is empty"},
		{words: []string{"--"}, err: "no command behind --"},
	} {
		got, err := execLine(test.words)
		if test.err != "" {
			if err == nil || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%q: %v, want an error about %q", test.words, err, test.err)
			}
			continue
		}
		if diff := cmp.Diff(test.want, got, cmp.Transformer("none", func(s []string) []string { return append([]string{}, s...) })); diff != "" || err != nil {
			t.Errorf("%q: %v\n%s", test.words, err, diff)
		}
	}
}
