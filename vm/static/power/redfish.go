package power

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"wskharness/vm"
)

// redfish is a machine whose management controller has a Redfish service (DMTF DSP0266). Each time it is asked it is logged on
// to anew, and its resources are looked for from its root: a controller that was replaced, or has restarted, is no other.
type redfish struct {
	service redfishService
	system  string // which of the service's systems; empty: the only one
}

// resetTypes are what each action is called (ComputerSystem, ResetType), the one to be had first.
var resetTypes = map[Action][]string{On: {"On", "ForceOn"}, Off: {"ForceOff"}, Reset: {"ForceRestart", "PowerCycle"}, NMI: {"Nmi"}}

func (r *redfish) name() string     { return "by Redfish at " + r.service.url.String() }
func (r *redfish) can(Action) bool  { return true }
func (r *redfish) tellsState() bool { return true }

func (r *redfish) state(ctx context.Context) (state vm.Power, err error) {
	err = r.service.session(ctx, func(s *redfishSession) error {
		system, err := r.find(ctx, s)
		if err != nil {
			return err
		}
		state = system.state()
		return nil
	})
	return state, err
}

func (r *redfish) do(ctx context.Context, a Action) error {
	return r.service.session(ctx, func(s *redfishSession) error {
		system, err := r.find(ctx, s)
		if err != nil {
			return err
		}
		reset := system.Actions.Reset
		if reset.Target == "" {
			return fmt.Errorf("the system %s has no action ComputerSystem.Reset: the account may not be allowed to use it", system.path)
		}
		allowed, err := reset.allowed(ctx, s)
		if err != nil {
			return err
		}
		word, ok := one(resetTypes[a], allowed)
		if !ok {
			return fmt.Errorf("the system %s takes the reset types %s, and not %s", system.path,
				strings.Join(allowed[:min(len(allowed), 20)], ", "), strings.Join(resetTypes[a], " or "))
		}
		if err := s.post(ctx, reset.Target, map[string]string{"ResetType": word}); err != nil {
			return fmt.Errorf("ResetType %s: %w", word, err)
		}
		return nil
	})
}

// link is a reference to a resource.
type link struct {
	ID string `json:"@odata.id"`
}

// computerSystem is what is read of one.
type computerSystem struct {
	path       string
	PowerState string
	Actions    struct {
		Reset resetAction `json:"#ComputerSystem.Reset"`
	}
}

// state says nothing of a machine between on and off.
func (c *computerSystem) state() vm.Power {
	switch c.PowerState {
	case "On":
		return vm.On
	case "Off":
		return vm.Off
	}
	return vm.Unknown
}

type resetAction struct {
	Target    string
	Allowable []string `json:"ResetType@Redfish.AllowableValues"`
	Info      string   `json:"@Redfish.ActionInfo"`
}

// allowed are the reset types that the service says it takes; none where it says nothing of that.
func (a *resetAction) allowed(ctx context.Context, s *redfishSession) ([]string, error) {
	if len(a.Allowable) > 0 || a.Info == "" {
		return a.Allowable, nil
	}
	var info struct {
		Parameters []struct {
			Name            string
			AllowableValues []string
		}
	}
	if err := s.get(ctx, a.Info, &info); err != nil {
		return nil, fmt.Errorf("ask which reset types there are: %w", err)
	}
	for _, p := range info.Parameters {
		if p.Name == "ResetType" {
			return p.AllowableValues, nil
		}
	}
	return nil, nil
}

const (
	maxSystems = 200 // of one service: a large chassis has some 100 blades
	maxPages   = 20  // of the collection of them
)

// find looks for the system.
func (r *redfish) find(ctx context.Context, s *redfishSession) (*computerSystem, error) {
	paths, err := s.systems(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range paths {
		if p == r.system || path.Base(p) == r.system || r.system == "" && len(paths) == 1 {
			system := &computerSystem{path: p}
			return system, s.get(ctx, p, system)
		}
		names = append(names, path.Base(p))
	}
	switch all := strings.Join(names[:min(len(names), 20)], ", "); {
	case len(names) == 0:
		return nil, errors.New("the service has no systems: the account may not be allowed to see them")
	case r.system == "":
		return nil, fmt.Errorf("the service has %d systems, %s: say which by the key system", len(names), all)
	default:
		return nil, fmt.Errorf("the service has no system %s, but %s", r.system, all)
	}
}

// systems are the paths of the service's systems.
func (s *redfishSession) systems(ctx context.Context) ([]string, error) {
	if s.root.Systems.ID == "" {
		return nil, errors.New("the service has no collection of systems")
	}
	var all []string
	next := s.root.Systems.ID
	for range maxPages {
		var page struct {
			Members []link
			Next    string `json:"Members@odata.nextLink"`
		}
		if err := s.get(ctx, next, &page); err != nil {
			return nil, fmt.Errorf("list the systems: %w", err)
		}
		for _, m := range page.Members {
			all = append(all, strings.TrimSuffix(m.ID, "/"))
		}
		if page.Next == "" || len(all) > maxSystems {
			break
		}
		next = page.Next
	}
	return all[:min(len(all), maxSystems)], nil
}
