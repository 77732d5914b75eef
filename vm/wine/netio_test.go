//go:build linux

package wine

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"wskharness/driver"
)

// TestProviderPage holds what the page shows to the header, and the numbers here to both.
func TestProviderPage(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "provider.md"))
	if err != nil {
		t.Fatal(err)
	}
	header, err := fs.ReadFile(driver.Sources(), "include/wskcontrol.h")
	if err != nil {
		t.Fatal(err)
	}
	_, declarations, found := strings.Cut(string(header), "#include <ntddk.h>\n\n")
	if !found || !strings.Contains(string(page), strings.TrimSpace(declarations)) {
		t.Error("docs/provider.md does not show what driver/include/wskcontrol.h declares")
	}
	for _, want := range []string{`#define WSK_TEST_CONTROL_NAME    "` + controlRoutine + `"`, "#define WSK_TEST_CONTROL_VERSION 3u\n", "const UINT32 " + controlVersionNumber + " ="} {
		if !strings.Contains(string(header), want) {
			t.Errorf("the header has no %q", want)
		}
	}
	if controlVersion != 3 {
		t.Error("the controller and the header have different versions")
	}
}
