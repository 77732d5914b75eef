package prepare

import (
	"slices"
	"strings"
	"testing"

	"wskharness/winerr"
)

func TestExplain(t *testing.T) {
	for code, want := range map[uint32]string{
		577: "ERROR_INVALID_IMAGE_HASH (577): Windows does not accept the signature", 1275: "look at driver-policy, driver-block-list", 1058: "disabled", 2: "not where its service says",
		183: "there already", 1056: "is running", 1072: "a handle", 5: "look at administrator", 4551: "a policy of code integrity",
		0xC0000428: "STATUS_INVALID_IMAGE_HASH (0xC0000428): Windows does not accept", 0xC0000603: "revoked", 0xC000036C: "look at driver-policy", 0x80070241: "ERROR_INVALID_IMAGE_HASH (577)",
		4711: "nothing is known", 0xC0004711: "nothing is known",
	} {
		if got := Explain(code); !strings.Contains(got, want) {
			t.Errorf("%d: got %s, want %s", code, got, want)
		}
	}
}

// What is explained has a name that there is, and names settings that there are.
func TestCausesAreKnown(t *testing.T) {
	for name, c := range statusCauses {
		if _, ok := winerr.NTStatusNamed(name); !ok {
			t.Errorf("%s is no status", name)
		}
		for _, s := range c.settings {
			if !slices.Contains(Names(), s) {
				t.Errorf("%s names %s, which is no setting", name, s)
			}
		}
	}
	for code, c := range win32Causes {
		if !strings.HasPrefix(code.Name(), "ERROR_") {
			t.Errorf("%d has no name", code)
		}
		for _, s := range c.settings {
			if !slices.Contains(Names(), s) {
				t.Errorf("%s names %s, which is no setting", code, s)
			}
		}
	}
}
