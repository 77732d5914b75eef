package prepare

import (
	"fmt"
	"strings"

	"wskharness/guest/untrusted"
	"wskharness/prepare/windows"
)

// Policies of code integrity: Place is the GUID. They are listed and removed by CiTool, which there is on Windows 11 22H2, Server
// 2025, and later (Microsoft, "CiTool technical reference"). Before one is removed its file is copied, since that is what
// CiTool needs to bring it back.
const (
	policyKind = "code integrity policy"
	policyDir  = `C:\Windows\System32\CodeIntegrity\CiPolicies\Active\`
)

// The Windows Driver Policy of 2026 (Microsoft support, "The Windows Driver Policy").
const (
	auditPolicy   = "784c4414-79f4-4c32-a6a5-f0fb42a51d0d"
	enforcePolicy = "8f9cb695-5d48-48d6-a329-7202b44607e3"
)

func policyFile(guid string) string { return policyDir + "{" + strings.ToUpper(guid) + "}.cip" }
func policyCopy(guid string) string { return ourFolder + `\{` + strings.ToUpper(guid) + "}.cip" }

func listPolicies() windows.Call { return windows.Ask("CiTool.exe", "-lp", "-json") }

func readPolicy(item) windows.Call { return listPolicies() }

// policy is what CiTool tells of one.
type policy struct {
	id, name string
	onDisk   bool
	enforced bool // active; one that only audits is "enforced", too
}

// parsePolicies reads what `CiTool -lp -json` prints.
func parsePolicies(out string) ([]policy, error) {
	start := strings.IndexByte(out, '{')
	if start < 0 {
		return nil, fmt.Errorf("CiTool listed no policies: %q", printable(out, 200))
	}
	var said struct {
		Policies []map[string]any
	}
	if err := untrusted.DecodeOne([]byte(out[start:]), &said); err != nil {
		return nil, fmt.Errorf("read what CiTool listed: %w", err)
	}
	var all []policy
	for _, p := range said.Policies {
		one := policy{onDisk: truth(p["IsOnDisk"]), enforced: truth(p["IsEnforced"])}
		one.id, _ = p["PolicyID"].(string)
		one.name, _ = p["FriendlyName"].(string)
		if one.id = strings.ToLower(strings.Trim(one.id, "{}")); !untrusted.IsGUID(one.id) {
			return nil, fmt.Errorf("CiTool listed a policy without a GUID: %q", untrusted.Clip(one.id, 60))
		}
		all = append(all, one)
	}
	return all, nil
}

// truth reads a flag, which CiTool has written as a text, too.
func truth(v any) bool {
	text, _ := v.(string)
	flag, _ := v.(bool)
	return flag || strings.EqualFold(text, "true")
}

// stateOfPolicy is whether the policy will be there in the next boot: one whose file is gone is active until then.
func stateOfPolicy(i item, a windows.Answer) (state, error) {
	all, err := parsePolicies(a.Output())
	if err != nil {
		return state{}, err
	}
	for _, p := range all {
		if p.id == i.Place && p.onDisk {
			return state{Type: "Policy"}, nil
		}
	}
	return state{}, nil
}

func writePolicy(i item, _, to state) ([]windows.Call, error) {
	if to.Type != windows.Absent {
		return []windows.Call{windows.Program("CiTool.exe", "--update-policy", policyCopy(i.Place), "-json")}, nil
	}
	return []windows.Call{
		windows.CopyFile(policyFile(i.Place), policyCopy(i.Place)),
		windows.Program("CiTool.exe", "--remove-policy", "{"+strings.ToUpper(i.Place)+"}", "-json"),
	}, nil
}
