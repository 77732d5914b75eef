package guest

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// DriverState is what a driver command of the agent reports.
type DriverState struct {
	OK    bool   `json:"ok"`
	Win32 uint32 `json:"win32"` // why not, or 0
	State string `json:"state"` // of the service: running, stopped, …
	Entry uint32 `json:"entry"` // NTSTATUS that DriverEntry left behind, or 0
}

// DriverInstall creates the demand-start kernel service name for the driver at path in the guest,
// or corrects it. Like all driver commands it can be repeated without harm, and fails with
// *[DriverError] when the service manager refuses.
func (g *Guest) DriverInstall(ctx context.Context, name, path string) (DriverState, error) {
	if err := CheckPath(path); err != nil {
		return DriverState{}, fmt.Errorf("driver install %s: %w", name, err)
	}
	return g.driver(ctx, "install", name, path)
}

// DriverStart loads the driver, unless it is loaded.
func (g *Guest) DriverStart(ctx context.Context, name string) (DriverState, error) {
	return g.driver(ctx, "start", name)
}

// DriverStop unloads the driver and waits until it is.
func (g *Guest) DriverStop(ctx context.Context, name string) (DriverState, error) {
	return g.driver(ctx, "stop", name)
}

// DriverRemove stops the driver and deletes its service.
func (g *Guest) DriverRemove(ctx context.Context, name string) (DriverState, error) {
	return g.driver(ctx, "remove", name)
}

// DriverStatus asks for the state of the service.
func (g *Guest) DriverStatus(ctx context.Context, name string) (DriverState, error) {
	return g.driver(ctx, "status", name)
}

func (g *Guest) driver(ctx context.Context, verb, name string, more ...string) (DriverState, error) {
	if name == "" || len(name) > 80 || strings.ContainsAny(name, `/\"`) || strings.HasPrefix(name, "-") {
		return DriverState{}, fmt.Errorf("driver %s: %q can't be the name of a service", verb, name)
	}
	var state DriverState
	err := g.query(ctx, &state, g.leased(append([]string{"driver", verb, name}, more...)...)...)
	state.State = clip(printable([]byte(state.State)), 40)
	if refused, ok := errors.AsType[*AgentError](err); ok && !state.OK && state != (DriverState{}) {
		return state, &DriverError{Command: verb, Name: name, State: state, Complaint: refused.Complaint}
	}
	if err != nil {
		return state, fmt.Errorf("driver %s %s: %w", verb, name, err)
	}
	if !state.OK {
		return state, &ProtocolError{Doing: "driver " + verb + " " + name, Err: errors.New("it ended well without saying ok")}
	}
	return state, nil
}
