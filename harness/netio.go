package harness

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"wskharness/driver"
)

// wskExports is what a netio.sys has to export for a driver that uses WSK to load (wsk.h in the WDK reference).
func wskExports() []string {
	return []string{"WskRegister", "WskDeregister", "WskCaptureProviderNPI", "WskReleaseProviderNPI", "WskQueryProviderCharacteristics"}
}

// checkNetio says what is wrong with the file that a target shall have for its netio.sys: a guest in which nothing
// loads would tell much later, and less.
func (t *Target) checkNetio() error {
	if t.Wine == nil || t.Wine.Netio == "" {
		return nil
	}
	wrong := func(err error) error {
		return usagef("target %s: netio: %w (a path, builtin, or model)", t.Name, err)
	}
	image, err := driver.InspectFile(t.Wine.Netio)
	if err != nil {
		return wrong(err)
	}
	path := displayPath(t.Wine.Netio)
	if image.Machine != "x86-64" || image.Subsystem != "native" {
		return wrong(fmt.Errorf("%s is no driver for 64-bit Windows: it is for %s, subsystem %s", path, image.Machine, image.Subsystem))
	}
	var missing []string
	for _, name := range wskExports() {
		if !slices.Contains(image.Exports, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return wrong(errors.New(path + " is no WSK provider: it does not export " + strings.Join(missing, ", ")))
	}
	return nil
}
