package guest

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"wskharness/guest/agent"
	"wskharness/guest/untrusted"
)

// Own is what a run brings with it beyond the harness's own folder in the guest, by which what it has left is told from what is
// somebody else's.
type Own struct {
	Driver      string `json:"driver,omitempty"`      // the service of the driver under test; empty: none
	Certificate string `json:"certificate,omitempty"` // SHA-1 of the certificate that it is signed with, in hexadecimal; empty: none
}

// Left is what of the harness's own is in a guest. What comes from there is hostile.
type Left struct {
	Services     []string `json:"services"`     // whose program is in the harness's folder, and the driver's
	Devices      []string `json:"devices"`      // of such services, that were made for them: ROOT\X\0000
	Files        []string `json:"files"`        // in the harness's folder: runs\ID, store\HASH, agent\HASH
	Certificates []string `json:"certificates"` // the one of Own, by its store: ROOT\SHA1
}

const (
	maxLeft     = 1000 // of each kind: the agent's own bound
	maxLeftName = 400  // UTF-16 units
)

// Left looks for what of the harness's own is in the guest.
func (g *Guest) Left(ctx context.Context, own Own) (Left, error) {
	var left Left
	err := g.persist(ctx, "agent left", func(ctx context.Context) (bool, error) {
		args := []string{"left"}
		if own.Certificate != "" {
			args = append(args, "--certificate", own.Certificate)
		}
		out, err := g.queryOnce(ctx, own.with(args)...)
		if err == nil {
			left, err = parseLeft(out)
		}
		return false, err
	})
	if err != nil {
		return Left{}, fmt.Errorf("look for what is left in the guest: %w", err)
	}
	left.Files = slices.DeleteFunc(left.Files, func(name string) bool { return strings.EqualFold(name, g.agentFolder()) })
	return left, nil
}

func (o Own) with(args []string) []string {
	if o.Driver != "" {
		args = append(args, "--driver", o.Driver)
	}
	return args
}

// agentFolder is where the agent itself is, which stays: a guest is cleaned with it.
func (g *Guest) agentFolder() string {
	folder := strings.ReplaceAll(strings.TrimPrefix(g.exe, Home+`\`), `\`, "/")
	return strings.ReplaceAll(path.Dir(folder), "/", `\`)
}

// parseLeft reads what `left` printed.
func parseLeft(out []byte) (Left, error) {
	var in struct {
		Left
		More *bool `json:"more"`
	}
	if err := untrusted.DecodeOne(out, &in); err != nil {
		return Left{}, &agent.ProtocolError{Doing: "agent left", Err: err}
	}
	switch {
	case in.More == nil:
		return Left{}, &agent.ProtocolError{Doing: "agent left", Err: errors.New("it does not say whether that is all")}
	case *in.More:
		return Left{}, &agent.LimitError{Doing: "agent left", What: "things of a kind", Limit: maxLeft}
	}
	for _, names := range [][]string{in.Services, in.Devices, in.Files, in.Certificates} {
		if len(names) > maxLeft {
			return Left{}, &agent.LimitError{Doing: "agent left", What: "things of a kind", Limit: maxLeft}
		}
		for _, name := range names {
			if name == "" || len(name) > 3*maxLeftName || name != untrusted.Printable([]byte(name)) || strings.ContainsAny(name, `"%^&|<>`) {
				return Left{}, &agent.ProtocolError{Doing: "agent left", Err: fmt.Errorf("it names %q", untrusted.Clip(name, 80))}
			}
		}
	}
	return in.Left, nil
}

// thing is one of them, as `remove` takes it.
type thing struct{ kind, name string }

func (t thing) String() string { return t.kind + " " + t.name }

// since is what is there and was not before, in the order in which it can be removed: a device is known by its service, and
// what runs goes before what it is made of.
func (l Left) since(before Left) []thing {
	var all []thing
	for _, of := range []struct {
		kind     string
		now, was []string
	}{{"device", l.Devices, before.Devices}, {"service", l.Services, before.Services}, {"file", l.Files, before.Files}, {"certificate", l.Certificates, before.Certificates}} {
		for _, name := range of.now {
			if !slices.ContainsFunc(of.was, func(was string) bool { return strings.EqualFold(was, name) }) {
				all = append(all, thing{of.kind, name})
			}
		}
	}
	return all
}

// StaysError is what could not be removed from a guest, which is not clean.
type StaysError struct{ Why []error } // one for each thing, with its name

func (e *StaysError) Error() string {
	return fmt.Sprintf("the guest is not as it was: %d things stay: %v", len(e.Why), errors.Join(e.Why...))
}

// Clean removes from the guest what of the harness's own is there and was not before, looks again, and says what that was, a line
// each. *[StaysError] where something is still there.
func (g *Guest) Clean(ctx context.Context, own Own, before Left) (removed []string, err error) {
	now, err := g.Left(ctx, own)
	if err != nil {
		return nil, err
	}
	tried := now.since(before)
	failed := map[thing]error{}
	for _, t := range tried {
		if err := g.order(ctx, own.with([]string{"remove", "--kind", t.kind, t.name})...); err != nil {
			if ctx.Err() != nil {
				return removed, fmt.Errorf("remove what is left in the guest: %w", err)
			}
			failed[t] = err
		}
	}
	if now, err = g.Left(ctx, own); err != nil {
		return nil, err
	}
	still := now.since(before)
	stays := &StaysError{}
	for _, t := range still {
		why := failed[t]
		if why == nil {
			why = errors.New("it was removed, and is there again")
		}
		stays.Why = append(stays.Why, fmt.Errorf("%s: %w", t, why))
	}
	for _, t := range tried {
		if !slices.Contains(still, t) {
			removed = append(removed, t.String())
		}
	}
	if len(stays.Why) > 0 {
		return removed, stays
	}
	return removed, nil
}
