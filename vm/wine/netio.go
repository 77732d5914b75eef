package wine

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"wskharness/driver"
	"wskharness/settings"
)

// wskExports is what a netio.sys has to export for a driver that uses WSK to load (wsk.h in the WDK reference).
func wskExports() []string {
	return []string{"WskRegister", "WskDeregister", "WskCaptureProviderNPI", "WskReleaseProviderNPI", "WskQueryProviderCharacteristics"}
}

// checkNetio says what is wrong with the file that a target shall have for its netio.sys: a guest in which nothing
// loads would tell much later, and less.
func (t *target) checkNetio() error {
	wrong := func(err error) error {
		return fmt.Errorf("netio: %w (a path, builtin, or model)", err)
	}
	image, err := driver.InspectFile(t.netio)
	if err != nil {
		return wrong(err)
	}
	path := settings.DisplayPath(t.netio)
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
	if t.control {
		if err := checkControl(t.netio, image); err != nil {
			return fmt.Errorf("control: true, but %s %w (docs/provider.md says what it has to export; without control: the cases that need it are skipped)",
				path, err)
		}
	}
	return nil
}

// What a provider exports that can be controlled, and the version of that (driver/include/wskcontrol.h).
const (
	controlRoutine       = "WskTestControl"
	controlVersionNumber = "WskTestControlVersion"
	controlVersion       = 3
)

// checkControl says why a provider can't be controlled.
func checkControl(path string, image *driver.Image) error {
	var missing []string
	for _, name := range []string{controlRoutine, controlVersionNumber} {
		if !slices.Contains(image.Exports, name) {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return errors.New("does not export " + strings.Join(missing, " and "))
	}
	routine, err := driver.ExportOf(path, controlRoutine)
	if err != nil {
		return err
	}
	if !routine.Code {
		return fmt.Errorf("exports %s, which is no routine", controlRoutine)
	}
	number, err := driver.ExportOf(path, controlVersionNumber)
	switch {
	case err != nil:
		return err
	case number.Code || !number.Known:
		return fmt.Errorf("exports %s, which is no number with a value in the file", controlVersionNumber)
	case number.Number != controlVersion:
		return fmt.Errorf("has version %d of the control (%s), and this wskharness knows version %d", number.Number, controlVersionNumber, controlVersion)
	}
	return nil
}
