package wine

import (
	"embed"
	"path/filepath"
	"strings"

	"wskharness/driver"
	"wskharness/settings"
	"wskharness/strictyaml"
	"wskharness/vm"
)

// Kind is the guest that needs no Windows. It is for Linux: elsewhere it can be configured, and not had.
func Kind() vm.Kind {
	kind := onThisSystem()
	kind.Name, kind.Form = "wine", form
	return kind
}

//go:embed host
var hostSources embed.FS

// hostSpec is how winrshost.exe is built. Whoever makes guests does so, for Options.Host.
func hostSpec() driver.Spec {
	return driver.Spec{Name: "winrshost.exe", Kind: driver.Program, Sources: hostSources, Dirs: []string{"host"}, Units: 1, Root: "vm/wine"}
}

// target is what a target says.
type target struct {
	netio string // a netio.sys to use instead of Wine's own; empty: Wine's own, or the model
	model bool   // the model of the harness (driver/model) instead of Wine's own
	// control says that netio can be controlled as the model is (driver/include/wskcontrol.h).
	control bool
	// defines are preprocessor names for building the model: see driver/model/defects.h.
	defines map[string]string
}

func form() vm.Form {
	t := &target{}
	return vm.Form{
		Define: t.define,
		Keys: settings.Table{
			Doc: "A guest that needs no Windows.",
			Keys: []settings.Key{
				{Name: "netio", Doc: "`builtin`; `model`, which behaves as documented; or the path of a netio.sys to use instead of Wine's own.",
					Value: settings.Value{Schema: settings.Refer("text"), Read: t.readNetio}},
				{Name: "control", Doc: "That netio.sys of your own exports what provider steps control it by: docs/provider.md.", Value: settings.Bool(&t.control)},
				{Name: "model_defines", Doc: "Preprocessor names for building the model, such as a defect of it; with `netio: model`.", Value: settings.Defines(&t.defines)},
			},
		},
	}
}

func (t *target) readNetio(r *settings.Reader, n *strictyaml.Node, what string) {
	switch n.Text {
	case "builtin":
	case "model":
		t.model = true
	default:
		t.netio = r.FilePath(n, what)
	}
}

func (t *target) define(r *settings.Reader, given settings.Given) vm.Definition {
	if n := given["control"]; n != nil && t.netio == "" {
		r.At(n, "netio: and the path of a netio.sys of your own beside it", "control of a target without a provider of your own")
	}
	if n := given["model_defines"]; n != nil && !t.model {
		r.At(n, "netio: model beside it", "model_defines of a target without the model")
	}
	d := vm.Definition{Guest: "wine", Provider: t.provider, Builds: map[string]driver.Spec{buildHost: hostSpec()}}
	switch {
	case t.model:
		label := "wskharness's model netio.sys"
		if len(t.defines) > 0 {
			label += " with " + strings.Join(settings.Defined(t.defines), ", ")
		}
		d.Description = label
		d.Builds[buildModel] = driver.ModelSpec(t.defines)
		d.Stack = vm.Stack{Word: "model", Label: label, Issues: "model", Documented: true, Controllable: true}
	case t.netio != "":
		d.Description = "netio.sys from " + settings.DisplayPath(t.netio)
		if t.control {
			d.Description += ", which can be controlled"
		}
		d.Check = t.checkNetio
		name := filepath.Base(t.netio)
		d.Stack = vm.Stack{Word: name, Label: "netio.sys from " + name, Issues: "netio:" + name, Documented: true, Controllable: t.control}
	default:
		d.Description = "Wine's own netio.sys"
		d.Stack = vm.Stack{Word: "builtin"}
	}
	return d
}

// What is built for a guest.
const (
	buildHost  = "winrshost.exe"
	buildModel = "netio.sys"
)
