package qemu

import (
	"encoding/json"

	"wskharness/vm"
	"wskharness/vm/qmp"
)

// happening is what an event of QEMU's means.
type happening struct {
	event  *vm.Event // nil: it means nothing to a controller
	paused bool      // the VM stands still until it is told to go on
}

// meaning reads an event of QEMU's (qapi/run-state.json and qapi/block-core.json of its sources). What QEMU does because it was
// told to is no news.
func meaning(e qmp.Event) happening {
	var data struct {
		Guest  bool   `json:"guest"`
		Reason string `json:"reason"`
		Action string `json:"action"`
		Full   bool   `json:"nospace"`
		Info   *struct {
			Type string `json:"type"`
			Arg1 uint64 `json:"arg1"`
			Arg2 uint64 `json:"arg2"`
			Arg3 uint64 `json:"arg3"`
			Arg4 uint64 `json:"arg4"`
			Arg5 uint64 `json:"arg5"`
		} `json:"info"`
	}
	if len(e.Data) > 0 && json.Unmarshal(e.Data, &data) != nil {
		return happening{}
	}
	told := vm.Event{Time: e.Time}
	switch e.Name {
	case "GUEST_PANICKED", "GUEST_CRASHLOADED":
		told.Kind, told.Text = vm.Panicked, "QEMU: "+e.Name
		if i := data.Info; i != nil && i.Type == "hyper-v" { // Windows gives stop code and parameters in this order: HV_X64_MSR_CRASH_P0 to P4
			told.Code, told.Args = uint32(i.Arg1), [4]uint64{i.Arg2, i.Arg3, i.Arg4, i.Arg5}
			told.Text = told.Describe()
		}
		return happening{event: &told, paused: data.Action == "pause"}
	case "SHUTDOWN":
		if !data.Guest {
			return happening{}
		}
		told.Kind, told.Text = vm.Stopped, "the guest has turned itself off"
	case "RESET":
		if !data.Guest {
			return happening{}
		}
		told.Kind, told.Text = vm.Reset, "the guest starts anew ("+data.Reason+")"
	case "BLOCK_IO_ERROR":
		if data.Action != "stop" {
			return happening{}
		}
		told.Kind = vm.Stopped
		told.Text = "QEMU could not read or write the guest's disk, and has stopped the guest"
		if data.Full {
			told.Text = "the disk that has the guest's folder is full, and QEMU has stopped the guest: make room there"
		}
	default:
		return happening{}
	}
	return happening{event: &told}
}
