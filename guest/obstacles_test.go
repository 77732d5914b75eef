package guest

import (
	"strings"
	"testing"
)

func TestObstacles(t *testing.T) {
	yes, no, enabled, testing := true, false, uint32(1), uint32(3)
	for name, test := range map[string]struct {
		facts Facts
		want  []string // a word of each
	}{
		"nothing known":      {Facts{}, nil},
		"a target":           {Facts{Admin: &yes, SecureBoot: &no, TestSigning: &yes, CodeIntegrity: &testing}, nil},
		"a plain Windows":    {Facts{Admin: &no, SecureBoot: &yes, TestSigning: &no, CodeIntegrity: &enabled}, []string{"administrator", "Secure Boot", "test signing"}},
		"by code integrity":  {Facts{CodeIntegrity: &testing}, nil},
		"not in this boot":   {Facts{CodeIntegrity: &enabled}, []string{"test signing"}},
		"Wine takes any one": {Facts{Wine: "8.0", Admin: &no, SecureBoot: &yes, TestSigning: &no}, nil},
	} {
		got := test.facts.Obstacles()
		if len(got) != len(test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
			continue
		}
		for n, word := range test.want {
			if !strings.Contains(got[n], word) {
				t.Errorf("%s: got %q, want %q", name, got, test.want)
			}
		}
	}
}
