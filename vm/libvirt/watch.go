package libvirt

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	golibvirt "github.com/digitalocean/go-libvirt"

	"wskharness/guest/untrusted"
	"wskharness/vm"
)

const (
	// askAgain is how often a host is asked for a sign of life: one that was unplugged says nothing, and closes nothing.
	askAgain = 20 * time.Second
	// awayLimit is how long a host may be away before its machines are given up.
	awayLimit = 3 * time.Minute
	// reconnectPause is how long nothing is tried after a host could not be reached.
	reconnectPause = time.Second
	// detailLimit is how long QEMU's own word of a crash, which has its code, may come after libvirt's.
	detailLimit = 2 * time.Second
	// orderedLimit is how long the event of something that was ordered may come after the answer.
	orderedLimit = 10 * time.Second
)

// watch follows one domain, on a connection of its own that it makes anew when it is lost.
type watch struct {
	d    *domain
	id   golibvirt.UUID
	tell func(vm.Event)
	gone func(error) // the host is away for good

	cancel context.CancelFunc
	done   chan struct{}

	mu       sync.Mutex
	ordered  map[vm.EventKind]chan struct{} // events that were ordered: the first of its kind is not told, and closes the channel
	hush     bool                           // resets are not told: one that was ordered may come twice
	off      bool                           // told
	panicked bool                           // told, since the machine last started
}

// sight is one connection with its streams.
type sight struct {
	lv        *conn
	end       context.CancelFunc
	lifecycle <-chan golibvirt.DomainEventLifecycleMsg
	reboots   <-chan any
	failures  <-chan any                   // of its disks
	monitor   <-chan golibvirt.DomainEvent // QEMU's own events; nil where there are none
}

// newWatch returns when the daemon tells this process what becomes of the domain.
func newWatch(ctx context.Context, d *domain, tell func(vm.Event), gone func(error)) (*watch, error) {
	id, err := parseUUID(d.rec().UUID)
	if err != nil {
		return nil, err
	}
	w := &watch{d: d, id: id, tell: tell, gone: gone, done: make(chan struct{}), ordered: map[vm.EventKind]chan struct{}{}}
	for _, t := range d.rec().Told { // what was told by a controller that is gone is not news
		w.off = t.Kind == vm.Stopped || w.off && t.Kind != vm.Reset
		w.panicked = t.Kind == vm.Panicked || w.panicked && t.Kind != vm.Reset
	}
	s, err := w.look(ctx)
	if err != nil {
		return nil, fmt.Errorf("watch domain %s at %s: %w", d.rec().Domain, d.client, explain(err))
	}
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	w.cancel = cancel
	go w.run(watching, s)
	return w, nil
}

// close ends the watch. No event is told after it has returned.
func (w *watch) close() {
	w.cancel()
	<-w.done
}

// look connects, and subscribes.
func (w *watch) look(ctx context.Context) (*sight, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	lv, err := open(ctx, w.d.client.place, w.d.client.never)
	if err != nil {
		return nil, err
	}
	s := &sight{lv: lv}
	var streaming context.Context
	streaming, s.end = context.WithCancel(context.WithoutCancel(ctx))
	err = lv.bound(ctx, func() (err error) {
		if s.lifecycle, err = lv.LifecycleEvents(streaming); err != nil {
			return err
		}
		if s.reboots, err = lv.SubscribeEvents(streaming, golibvirt.DomainEventIDReboot, nil); err != nil {
			return err
		}
		if s.failures, err = lv.SubscribeEvents(streaming, golibvirt.DomainEventIDIoErrorReason, nil); err != nil {
			return err
		}
		// Other drivers than QEMU's have no such events, and access rules may withhold them: then a crash has no code.
		s.monitor, err = lv.SubscribeQEMUEvents(streaming, w.d.rec().Domain)
		if _, refused := errors.AsType[golibvirt.Error](err); refused || errors.Is(err, golibvirt.ErrUnsupported) {
			s.monitor, err = nil, nil
		}
		return err
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// close ends the connection. What the streams still have is taken, so that their goroutines end.
func (s *sight) close() {
	s.lv.close()
	s.end()
	go drain(s.lifecycle)
	go drain(s.reboots)
	go drain(s.failures)
	go drain(s.monitor)
}

func drain[T any](stream <-chan T) {
	if stream == nil {
		return
	}
	for range stream {
	}
}

// run follows until it is told to end.
func (w *watch) run(ctx context.Context, s *sight) {
	defer close(w.done)
	for {
		w.compare(ctx, s) // what happened before, or while nobody was connected
		w.follow(ctx, s)
		s.close()
		if ctx.Err() != nil {
			return
		}
		if s = w.again(ctx); s == nil {
			return
		}
	}
}

// again connects anew, and gives the machine up where that can't be done for long.
func (w *watch) again(ctx context.Context) *sight {
	begun := time.Now()
	for {
		s, err := w.look(ctx)
		if err == nil {
			return s
		}
		if ctx.Err() != nil {
			return nil
		}
		if away := time.Since(begun); away > w.d.client.awayLimit {
			w.gone(fmt.Errorf("libvirt at %s is away since %s: %w", w.d.client, away.Round(time.Second), explain(err)))
			return nil
		}
		select {
		case <-time.After(reconnectPause):
		case <-ctx.Done():
			return nil
		}
	}
}

// compare looks at what the domain is now.
func (w *watch) compare(ctx context.Context, s *sight) {
	bounded, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var state, reason int32
	err := s.lv.bound(bounded, func() error {
		dom, err := s.lv.DomainLookupByUUID(w.id)
		if err == nil {
			state, reason, err = s.lv.DomainGetState(dom, 0)
		}
		return err
	})
	switch {
	case isCode(err, golibvirt.ErrNoDomain):
		w.event(vm.Event{Kind: vm.Stopped, Text: "libvirt does not have the domain any more"})
	case err != nil: // the connection is gone, which is seen elsewhere
	case golibvirt.DomainState(state) == golibvirt.DomainCrashed:
		w.event(vm.Event{Kind: vm.Panicked, Text: "libvirt has the domain as crashed"})
	case !active(state):
		w.event(vm.Event{Kind: vm.Stopped, Text: "libvirt has the domain as shut off"})
	case golibvirt.DomainState(state) == golibvirt.DomainPaused && golibvirt.DomainPausedReason(reason) == golibvirt.DomainPausedIoerror:
		w.stands("")
	}
}

// follow takes what the streams say until they end.
func (w *watch) follow(ctx context.Context, s *sight) {
	alive := time.NewTicker(askAgain)
	defer alive.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.lv.Disconnected():
			return
		case <-alive.C:
			bounded, cancel := context.WithTimeout(ctx, callLimit)
			_ = s.lv.bound(bounded, func() error { _, err := s.lv.ConnectGetLibVersion(); return err }) // it closes what does not answer
			cancel()
			if !s.lv.usable() {
				return
			}
		case e, open := <-s.lifecycle:
			if !open {
				return
			}
			if e.Dom.UUID == w.id {
				w.changed(s, e)
			}
		case e, open := <-s.reboots:
			if !open {
				return
			}
			if reboot, ok := e.(*golibvirt.DomainEventCallbackRebootMsg); ok && reboot.Msg.Dom.UUID == w.id {
				w.event(vm.Event{Kind: vm.Reset, Text: "libvirt: the domain was reset"})
			}
		case e, open := <-s.failures:
			if !open {
				return
			}
			failed, ok := e.(*golibvirt.DomainEventCallbackIOErrorReasonMsg)
			if ok && failed.Msg.Dom.UUID == w.id && golibvirt.DomainEventIOErrorAction(failed.Msg.Action) == golibvirt.DomainEventIoErrorPause {
				w.stands(fmt.Sprintf(" (%.200q: %.40q; enospc: no space left on device)", failed.Msg.SrcPath, failed.Msg.Reason))
			}
		case e, open := <-s.monitor:
			if !open {
				s.monitor = nil // the domain is off; libvirt itself tells of the next
				continue
			}
			w.said(e)
		}
	}
}

// said is an event of QEMU's own.
func (w *watch) said(e golibvirt.DomainEvent) {
	if e.Event != "GUEST_PANICKED" || e.Domain.UUID != w.id {
		return
	}
	event := vm.Event{Kind: vm.Panicked, Text: clip("QEMU: GUEST_PANICKED " + string(e.Details))}
	event.Code, event.Args = panicCode(e.Details)
	w.event(event)
}

// changed is an event of libvirt's.
func (w *watch) changed(s *sight, e golibvirt.DomainEventLifecycleMsg) {
	switch golibvirt.DomainEventType(e.Event) {
	case golibvirt.DomainEventCrashed:
		if s.monitor != nil { // QEMU's own word, which has the code, was sent before, and may be behind in its stream
			select {
			case said, open := <-s.monitor:
				if open {
					w.said(said)
				}
			case <-time.After(detailLimit):
			}
		}
		w.event(vm.Event{Kind: vm.Panicked, Text: "libvirt: the domain has crashed"})
	case golibvirt.DomainEventStopped:
		if golibvirt.DomainEventStoppedDetailType(e.Detail) == golibvirt.DomainEventStoppedFromSnapshot {
			return // on its way back to a snapshot, from which it starts
		}
		w.event(vm.Event{Kind: vm.Stopped, Text: "libvirt: the domain has stopped: " + stopped(e.Detail)})
	case golibvirt.DomainEventStarted:
		w.started()
	}
}

// stands tells of a machine that its host has stopped, since what it writes to its disk can't be kept there.
func (w *watch) stands(why string) {
	w.event(vm.Event{Kind: vm.Stopped, Text: clip("libvirt: the domain stands still: its disk can't be written to on its host" + why)})
}

// started is told of a machine that had stopped.
func (w *watch) started() {
	w.mu.Lock()
	was := w.off
	w.off, w.panicked = false, false
	w.mu.Unlock()
	if was {
		w.event(vm.Event{Kind: vm.Reset, Text: "libvirt: the domain was started"})
	}
}

// event tells what was not told already, and was not ordered.
func (w *watch) event(e vm.Event) {
	w.mu.Lock()
	expected := w.ordered[e.Kind]
	delete(w.ordered, e.Kind)
	again := e.Kind == vm.Reset && w.hush
	switch e.Kind {
	case vm.Panicked:
		again, w.panicked = w.panicked, true
	case vm.Stopped:
		again, w.off = w.off, true
	case vm.Reset:
		w.panicked, w.off = false, false
	}
	w.mu.Unlock()
	switch {
	case expected != nil:
		close(expected)
	case !again:
		e.Time = time.Now()
		w.tell(e)
	}
}

// hushed has resets be told, or not: a machine that was reset by order may ask its host for another one while it boots.
func (w *watch) hushed(hush bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hush = hush
}

// order does something that an event comes of, and returns when that has come: nobody is told of it. Where none comes, it has
// been told of differently, or will not be.
func (w *watch) order(ctx context.Context, kind vm.EventKind, do func() (silent bool, err error)) error {
	came := make(chan struct{})
	w.mu.Lock()
	w.ordered[kind] = came
	w.mu.Unlock()
	silent, err := do()
	if err == nil && !silent {
		select {
		case <-came:
		case <-time.After(orderedLimit):
		case <-ctx.Done():
		case <-w.done:
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ordered[kind] == came {
		delete(w.ordered, kind)
	}
	return err
}

// panicCode is the stop code and its parameters, where a guest gave them to its host (hv-crash): QEMU has them as
// {"action":"pause","info":{"type":"hyper-v","arg1":…,"arg5":…}}.
func panicCode(details []byte) (code uint32, args [4]uint64) {
	var said struct {
		Info struct {
			Type string      `json:"type"`
			Arg1 json.Number `json:"arg1"`
			Arg2 json.Number `json:"arg2"`
			Arg3 json.Number `json:"arg3"`
			Arg4 json.Number `json:"arg4"`
			Arg5 json.Number `json:"arg5"`
		} `json:"info"`
	}
	if json.Unmarshal(details, &said) != nil || said.Info.Type != "hyper-v" {
		return 0, args
	}
	number := func(n json.Number) uint64 {
		if v, err := strconv.ParseUint(n.String(), 10, 64); err == nil {
			return v
		}
		v, _ := strconv.ParseInt(n.String(), 10, 64) // QEMU writes what is above as a negative number
		return uint64(v)
	}
	return uint32(number(said.Info.Arg1)), [4]uint64{number(said.Info.Arg2), number(said.Info.Arg3), number(said.Info.Arg4), number(said.Info.Arg5)}
}

// stopped is why a domain has stopped, by virDomainEventStoppedDetailType.
func stopped(detail int32) string {
	words := map[golibvirt.DomainEventStoppedDetailType]string{
		golibvirt.DomainEventStoppedShutdown: "its guest has shut down", golibvirt.DomainEventStoppedDestroyed: "somebody has turned it off",
		golibvirt.DomainEventStoppedCrashed: "it has crashed", golibvirt.DomainEventStoppedMigrated: "it was moved to another host",
		golibvirt.DomainEventStoppedSaved: "it was saved to a file", golibvirt.DomainEventStoppedFailed: "its QEMU has failed",
	}
	if word, ok := words[golibvirt.DomainEventStoppedDetailType(detail)]; ok {
		return word
	}
	return fmt.Sprintf("reason %d", detail)
}

// maxText bounds the text of an event.
const maxText = 1000

func clip(text string) string { return untrusted.Clip(untrusted.Printable([]byte(text)), maxText) }
