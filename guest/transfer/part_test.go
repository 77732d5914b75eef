package transfer

import (
	"math/rand/v2"
	"testing"

	"wskharness/guest/winname"
)

// The temporary name of whatever can be transferred can be had wherever that can, is nobody else's, and is none that is
// transferred itself.
func TestPartNames(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 255))
	alphabet := []rune("aZ.- 世ı\u0301😀\x7f")
	seen := map[string]string{}
	for range 5000 {
		var name []rune
		for range 1 + random.IntN(255) {
			name = append(name, alphabet[random.IntN(len(alphabet))])
		}
		if winname.Check(string(name)) != nil {
			continue
		}
		part := partName(string(name))
		if winname.Check(part) != nil || len(part) > 64 || !parts.MatchString(part) || !parts.MatchString(part+".map") {
			t.Fatalf("the part of %q is %q; want winname.Check(part) == nil and len(part) <= 64 and parts.MatchString(part) and parts.MatchString(part+\".map\")", string(name), part)
		}
		if other, taken := seen[part]; taken && other != string(name) {
			t.Fatalf("%q and %q have the same part", other, string(name))
		}
		seen[part] = string(name)
	}
	if len(seen) < 100 {
		t.Errorf("only %d names were tried; want len(seen) >= 100", len(seen))
	}
	if got := partName("big.bin"); got != ".wskharness-"+got[12:44]+".part" || got == partName("Big.bin") {
		t.Errorf("the part of big.bin is %s; want got == \".wskharness-\"+got[12:44]+\".part\" and got != partName(\"Big.bin\")", got)
	}
}
