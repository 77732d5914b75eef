package vm

import (
	"fmt"
	"slices"

	"github.com/hashicorp/go-hclog"
)

// ReuseNewest is what a Reuser does whose guests are found by their leases: of those that are up, oldest first, it takes the newest
// of the target that was left up and that take does not refuse; where t.Guest names one, that or none.
func ReuseNewest[G any](t Target, up []G, info func(G) *GuestInfo, take func(G) (Machine, error), logger hclog.Logger) (Machine, error) {
	for _, one := range slices.Backward(up) {
		g := info(one)
		if t.Guest != "" && g.ID != t.Guest || t.Guest == "" && !g.Kept || g.Target != t.Name {
			continue
		}
		m, err := take(one)
		switch {
		case err == nil:
			return m, nil
		case t.Guest != "":
			return nil, fmt.Errorf("guest %s can't be used: %w", g.ID, err)
		}
		logger.Info("a guest that is up is not used", "guest", g.ID, "reason", err)
	}
	if t.Guest != "" {
		return nil, fmt.Errorf("guest %s of target %s is not up any more", t.Guest, t.Name)
	}
	return nil, ErrNoMachine
}
