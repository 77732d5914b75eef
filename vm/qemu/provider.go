package qemu

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"wskharness/vm"
	"wskharness/vm/access"
	"wskharness/vm/lease"
)

// options say how guests are made.
type options struct {
	cache    string
	serve    []string // a command that serves the guest in the folder that is added to it
	program  string   // QEMU
	spec     spec
	service  access.Service
	setClock string
	within   time.Duration // that a guest may take to boot
	getenv   func(string) string
	never    []string     // environment variables that the process that serves a guest does not get
	logger   hclog.Logger // nil is silent
	tell     func(text string)
}

// provider makes guests.
type provider struct {
	opts options

	mu    sync.Mutex
	found *software
}

var (
	_ vm.Provider = (*provider)(nil)
	_ vm.Reuser   = (*provider)(nil)
)

func newProvider(o options) *provider {
	if o.logger == nil {
		o.logger = hclog.NewNullLogger()
	}
	if o.tell == nil {
		o.tell = func(string) {}
	}
	return &provider{opts: o}
}

// software is what QEMU is here, which is asked once.
func (p *provider) software(ctx context.Context) (software, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found == nil {
		found, err := findSoftware(ctx, p.opts.program)
		if err != nil {
			return software{}, err
		}
		p.found = &found
	}
	return *p.found, nil
}

// Acquire makes a guest with a disk of its own, and waits until its WinRM answers.
func (p *provider) Acquire(ctx context.Context, t vm.Target) (vm.Machine, error) {
	begun := time.Now()
	if swept, err := sweep(ctx, vm.Host{Cache: p.opts.cache}); err != nil || len(swept) > 0 {
		p.opts.logger.Info("removed what dead guests had left", "found", swept, "error", err)
	}
	fail := func(err error) (vm.Machine, error) {
		return nil, fmt.Errorf("start a virtual machine for target %s: %w", t.Name, err)
	}
	c, err := p.compose(ctx, t)
	if err != nil {
		return fail(err)
	}
	if c.Spec.Warm {
		if c.Template, err = p.template(ctx, c); err != nil {
			return fail(err)
		}
	}
	m, err := p.bringUp(ctx, c)
	if errors.Is(err, errNoSnapshot) && ctx.Err() == nil { // another QEMU would have another one: what is there is not whole
		p.opts.logger.Warn("the snapshot of a guest that is up is made anew", "reason", err)
		if err = removeAll([]string{c.Template}); err == nil {
			c.Template, err = p.template(ctx, c)
		}
		if err == nil {
			m, err = p.bringUp(ctx, c)
		}
	}
	if err != nil {
		return fail(err)
	}
	m.mu.Lock()
	m.ready = time.Since(begun)
	m.mu.Unlock()
	return m, nil
}

// compose decides what a guest of a target is made of.
func (p *provider) compose(ctx context.Context, t vm.Target) (guestConfig, error) {
	found, err := p.software(ctx)
	if err != nil {
		return guestConfig{}, err
	}
	s := p.opts.spec
	made, err := identify(s.Image)
	if err != nil {
		return guestConfig{}, err
	}
	s.Made = made
	c := guestConfig{
		Target: t.Name, Run: t.Run, Program: found.path, Version: found.version, Spec: s, Service: p.opts.service, SetClock: p.opts.setClock, Within: p.opts.within,
		Checkpoints: checkpointsOf(p.opts.cache, t.Name, s.Image),
		Clean:       clean{Disk: s.Image, Format: s.Format, Vars: s.Firmware.Vars},
	}
	if c.Clean.Vars != "" {
		c.Clean.VarsFormat = "raw"
	}
	point, ok, err := readCheckpoint(c.Checkpoints, made)
	if ok {
		c.Clean = point.Clean
	}
	return c, err
}

// bringUp starts a guest and waits until its WinRM answers. When it fails, nothing is left.
func (p *provider) bringUp(ctx context.Context, c guestConfig) (*machine, error) {
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	c.ID = c.Target + "-" + lease.Unused()
	l, err := lease.Make(leasesDir(p.opts.cache), c.ID)
	if err != nil {
		return nil, fmt.Errorf("make the guest's folder: %w", err)
	}
	if err := lease.Write(l.Dir, configFile, &c); err != nil {
		return nil, errors.Join(fmt.Errorf("make the guest's folder: %w", err), l.Discard())
	}
	line, exited, err := p.startServer(l)
	if err != nil {
		return nil, errors.Join(err, l.Discard())
	}
	l.Lock.Close() // not given up: the process that serves the guest has it
	a, err := line.await(ctx)
	if err != nil {
		line.conn.Close() // which ends the process
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), dying)
		defer cancel()
		return nil, errors.Join(err, exited.await(ending), remove(l.Dir))
	}
	m := newMachine(l.Dir, c, p.opts.getenv, line, exited.ended)
	if err := m.awaitUp(ctx, a); err != nil {
		return nil, errors.Join(fmt.Errorf("wait for the guest's WinRM: %w", err), m.Release(context.WithoutCancel(ctx)))
	}
	return m, nil
}

// await waits for the word that a guest's VM runs.
func (c *control) await(ctx context.Context) (answer, error) {
	stop := context.AfterFunc(ctx, func() { c.conn.Close() })
	defer stop()
	var a answer
	err := c.dec.Decode(&a)
	switch {
	case ctx.Err() != nil:
		return a, context.Cause(ctx)
	case err != nil:
		return a, fmt.Errorf("the process that serves the guest has ended: %w", err)
	case a.NoSnapshot:
		return a, fmt.Errorf("%w: %s", errNoSnapshot, a.Error)
	case a.Error != "":
		return a, errors.New(a.Error)
	}
	return a, nil
}

// Reuse claims the newest guest of the target that was left up, is made of what a new one would be made of, and is nobody else's.
func (p *provider) Reuse(ctx context.Context, t vm.Target) (vm.Machine, error) {
	up, err := members(p.opts.cache, p.opts.getenv)
	if err != nil {
		return nil, err
	}
	now, err := p.compose(ctx, t)
	if err != nil {
		return nil, err
	}
	return vm.ReuseNewest(t, up, member.Info, func(one member) (vm.Machine, error) { return p.take(ctx, one, now, t.Run) }, p.opts.logger)
}

// take claims a guest that is up, where it is as a new one would be. One that somebody has left in the middle of something is
// reverted.
func (p *provider) take(ctx context.Context, one member, now guestConfig, run string) (*machine, error) {
	was := one.config
	switch {
	case !one.Kept:
		return nil, errors.New("it is a run's, and goes down with it")
	case !reflect.DeepEqual(was.Spec, now.Spec) || was.Version != now.Version || was.Clean != now.Clean:
		return nil, errors.New("it is made of something else than the target now says")
	}
	c, err := dial(ctx, one.Dir)
	if err != nil {
		return nil, err
	}
	a, err := c.ask(ctx, request{Do: doClaim, Run: run})
	if err != nil {
		c.conn.Close()
		return nil, err
	}
	was.Service = now.Service // which may have another password
	m := newMachine(one.Dir, was, p.opts.getenv, c, nil)
	if one.Abandoned {
		err = m.Revert(ctx)
	} else {
		err = m.awaitUp(ctx, a)
	}
	if err != nil {
		m.claim.conn.Close()
		return nil, err
	}
	return m, nil
}

// encode is a value as JSON, for a hash.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err) // of plain values
	}
	return text
}

// folderOf names the folder of a template.
func folderOf(cache, key string) string { return filepath.Join(templatesDir(cache), key) }
