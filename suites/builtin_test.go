package suites

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func builtin(t *testing.T) *Catalog {
	t.Helper()
	catalog, err := Load(Builtin()...)
	if err != nil {
		t.Fatal(err)
	}
	return catalog
}

// TestBuiltinHasEveryRow lists the rows of the catalogue, by groups.
func TestBuiltinHasEveryRow(t *testing.T) {
	rows := strings.Fields(`
		registration.basic registration.client_event registration.context registration.stack_npi
		registration.two_blocks registration.reuse_block registration.garbage_block
		registration.pool_block registration.worker registration.cross_thread registration.parallel
		registration.bad_version_accepted registration.reserved_nonzero registration.double
		registration.double_deregister registration.null_dispatch
		capture.no_wait capture.timed capture.infinite capture.version capture.slots_win7
		capture.repeat capture.same_client capture.distinct_clients capture.dispatch_level capture.dpc
		capture.cross_thread_release capture.release_recapture capture.deregister_waits_one
		capture.deregister_waits_n capture.during_deregister capture.after_deregister
		capture.nointerface capture.nointerface_infinite capture.version_zero capture.minor_high
		capture.minor_one capture.over_release capture.timed_not_ready capture.no_wait_not_ready
		capture.infinite_becomes_ready capture.cancel_waiter
		negotiation.query_after_ok negotiation.query_after_noi negotiation.query_before_capture
		negotiation.query_dispatch negotiation.reregister negotiation.major_range
		negotiation.query_not_ready negotiation.reregister_range negotiation.range_highest
		negotiation.range_above negotiation.not_ready_first
		lifecycle.late_activation lifecycle.worker_capture lifecycle.socket_outlives_release
		lifecycle.deregister_waits_socket lifecycle.transport_change_cancel
		sockets.transport_size sockets.transport_list sockets.static_callbacks sockets.tdi_bypass
		sockets.cache_sd sockets.null_irp sockets.null_client sockets.listen sockets.bind_udp_listen
		sockets.connect_unbound sockets.basic sockets.datagram sockets.stream sockets.bad_family
		sockets.socket_connect sockets.loopback_echo sockets.close_pending_accept
		sockets.parallel_accept sockets.accept_event sockets.accept_reject
		sockets.disable_event_pending sockets.local_address_unbound
		lifecycle.unload_clean lifecycle.unload_waits lifecycle.unload_connected lifecycle.unload_under_load
		lifecycle.unload_during_capture lifecycle.start_failures lifecycle.echo_user_mode lifecycle.echo_other_program
		stress.capture_release stress.capture_vs_deregister stress.register_churn stress.low_resources
		boot.no_wait boot.timed_not_ready boot.worker_infinite boot.cancel_waiter`)
	misuse := []string{"registration.double", "registration.double_deregister", "registration.null_dispatch", "capture.over_release", "sockets.parallel_accept"}
	recorded := []string{"registration.bad_version_accepted", "registration.reserved_nonzero",
		"capture.same_client", "capture.distinct_clients", "capture.version_zero", "capture.minor_high", "sockets.tdi_bypass", "sockets.bad_family"}
	model := []string{"capture.timed_not_ready", "capture.no_wait_not_ready", "capture.infinite_becomes_ready", "capture.cancel_waiter",
		"lifecycle.unload_during_capture", "boot.timed_not_ready", "boot.cancel_waiter",
		"negotiation.query_not_ready", "negotiation.reregister_range", "negotiation.range_highest", "negotiation.range_above", "negotiation.not_ready_first"}
	query := []string{"negotiation.query_after_ok", "negotiation.query_after_noi", "negotiation.query_before_capture",
		"negotiation.query_dispatch", "negotiation.reregister", "negotiation.major_range"}
	needs := map[string]string{"stress.capture_vs_deregister": CapabilityRundown}
	catalog := builtin(t)
	cases := map[string]*Case{}
	live := 0
	for _, c := range catalog.All() {
		cases[c.Name()] = c
		if !c.Misuse && len(c.Requires) == 0 && c.Verifier == nil {
			live++
		}
	}
	for _, row := range rows {
		c := cases[row]
		if c == nil {
			t.Errorf("no case %s", row)
			continue
		}
		if c.Misuse != slices.Contains(misuse, row) {
			t.Errorf("%s: misuse %v", row, c.Misuse)
		}
		if (c.Basis == Recorded) != (slices.Contains(recorded, row) || slices.Contains(misuse, row)) {
			t.Errorf("%s: basis %s", row, c.Basis)
		}
		if slices.Contains(c.Requires, CapabilityProviderControl) != slices.Contains(model, row) ||
			slices.Contains(c.Requires, CapabilityQuery) != slices.Contains(query, row) {
			t.Errorf("%s requires %v", row, c.Requires)
		}
		if (c.Verifier != nil) != (row == "stress.low_resources") {
			t.Errorf("%s: Driver Verifier is %v", row, c.Verifier)
		}
		if need := needs[row]; need != "" && !slices.Contains(c.Requires, need) {
			t.Errorf("%s requires %v, not %s", row, c.Requires, need)
		}
	}
	if live < 40 {
		t.Errorf("%d cases run on a live provider, want at least 40", live)
	}
}

func TestBuiltinCasesAreGrounded(t *testing.T) {
	catalog := builtin(t)
	var waits time.Duration
	for _, c := range catalog.All() {
		if c.Source == "" || !strings.HasSuffix(c.Doc, ".") {
			t.Errorf("%s: doc %q, source %q", c.Name(), c.Doc, c.Source)
		}
		for _, name := range c.Requires {
			if CapabilityDoc(name) == "" {
				t.Errorf("%s requires %s, which nothing explains", c.Name(), name)
			}
		}
		for _, s := range c.Steps {
			if s.Op == "blocked" && len(c.Requires) == 0 {
				waits += s.wait
			}
		}
	}
	if waits > 3*time.Second {
		t.Errorf("the suites block for %s when all is well", waits)
	}
}

// TestBuiltinKnownIssues checks what a declared deviation must be: judged, and of a case that runs.
func TestBuiltinKnownIssues(t *testing.T) {
	catalog := builtin(t)
	if len(catalog.known) == 0 {
		t.Fatal("no known issues")
	}
	for _, c := range catalog.All() {
		for _, k := range catalog.Known("wine", "10.0", c) {
			if c.Misuse || len(c.Requires) > 0 || c.Basis == Recorded {
				t.Errorf("%s: a known issue of a case that is not judged there", k)
			}
			if k.Source == "" || k.Actual() == "" || k.Versions.From == "" {
				t.Errorf("%s: source %q, versions %s", k, k.Source, k.Versions)
			}
			// The agent ends a case where it deviates: nothing can be known of what follows.
			if all := catalog.Known("wine", "10.0", c); len(all) > 1 {
				t.Errorf("%s has %d known issues", c.Name(), len(all))
			}
		}
	}
}

func TestBuiltinCompiles(t *testing.T) {
	d := compile(t, builtin(t).All()...)
	if int(d.header.CaseCount) != len(builtin(t).All()) {
		t.Errorf("%d cases in the plan", d.header.CaseCount)
	}
}
