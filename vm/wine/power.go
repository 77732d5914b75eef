//go:build linux

package wine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"wskharness/vm"
)

// crashed does what a bugcheck does on Windows: the machine is gone from the network, and comes back with
// the same disk as another boot.
func (s *server) crashed(ctx context.Context, b *boot, e vm.Event) {
	s.power.Lock()
	defer s.power.Unlock()
	if s.booted() != b {
		return // somebody turned it off before its crash was noticed, and what is up by now is another
	}
	s.winrm.Reset() // before anybody is told, who would take it for up again
	s.tell(e)
	s.log.Info("the guest crashed", "text", e.Text)
	s.again(ctx, b, 1)
}

// gone restarts a guest whose host ended without a crash, unless that was meant.
func (s *server) gone(ctx context.Context, b *boot) {
	if ctx.Err() != nil || !s.unreachable(b) {
		return
	}
	crashes := 1
	if b.endedInOrder() { // as one that is told to reboot does
		crashes = 0
	}
	s.power.Lock()
	defer s.power.Unlock()
	if s.booted() != b {
		return // somebody reverted it in the meantime
	}
	s.tell(vm.Event{Kind: vm.Reset, Time: time.Now(), Text: "the guest's system processes ended"})
	s.again(ctx, b, crashes)
}

// unreachable takes WinRM away from a boot that is over, unless another one is up by now.
func (s *server) unreachable(b *boot) bool {
	s.power.Lock()
	defer s.power.Unlock()
	if s.booted() != b {
		return false
	}
	s.winrm.Reset()
	return true
}

// again boots the same disk anew, with power held. A guest that does not come up, or crashes again and again as soon as
// it is up, stays off until it is reverted or reset.
func (s *server) again(ctx context.Context, b *boot, crashes int) {
	if b.livedLong() || crashes == 0 {
		s.failures = 0
	}
	err := errors.New("it crashed each time soon after it was up")
	for s.failures += crashes; s.failures < maxFailures && ctx.Err() == nil; s.failures++ {
		if _, err = s.cycle(ctx, false); err == nil {
			return
		}
		s.log.Error("boot the guest again", "error", err)
	}
	s.winrm.Reset()
	s.turnOff((*boot).stop)
	s.tell(vm.Event{Kind: vm.Stopped, Time: time.Now(), Text: fmt.Sprintf("the guest is off: %v", err)})
}

// turnOff ends the boot that is up, if one is.
func (s *server) turnOff(end func(*boot)) {
	s.mu.Lock()
	b := s.boot
	s.boot = nil
	if b != nil {
		s.last = b.tail() // whoever was told of a crash may ask at any moment
	}
	s.mu.Unlock()
	if b == nil {
		return
	}
	end(b)
	s.mu.Lock()
	s.last = b.tail()
	s.mu.Unlock()
}

// cycle turns the guest off and on again, on a fresh disk if asked. It holds for every reboot: connections
// are cut, and refused until the guest is ready.
func (s *server) cycle(ctx context.Context, revert bool) (time.Duration, error) {
	begun := time.Now()
	s.winrm.Reset()
	end := (*boot).halt
	if revert {
		end = (*boot).stop
	}
	s.turnOff(end)
	if revert {
		if err := s.fresh(ctx); err != nil {
			return 0, err
		}
		s.mu.Lock()
		s.past = nil
		s.mu.Unlock()
	}
	if err := s.start(ctx); err != nil {
		return 0, err
	}
	s.winrm.Resume()
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(begun), s.save()
}

// off ends the guest's processes and removes its files; the process that serves it goes on to its end.
func (s *server) off() error {
	s.power.Lock()
	defer s.power.Unlock()
	s.turnOff((*boot).stop)
	return remove(s.dir, s.guard)
}

// down ends everything, whatever of it is there.
func (s *server) down() error {
	if s.winrm != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.winrm.Shutdown(ctx); err != nil {
			s.log.Debug("end the WinRM endpoint", "error", err)
		}
	}
	if s.ctl != nil {
		s.ctl.Close()
	}
	return s.off()
}
