package suites

import "wskharness/driver/abi"

// providerOperations are the steps about a provider that can be controlled (wskcontrol.h).
func providerOperations() []operation {
	return []operation{
		{name: "provider", code: abi.OpProvider, requires: CapabilityProviderControl, read: (*caseParser).provider,
			doc: "Makes a provider that can be controlled other than it is by default (of the model: ready, versions 1.0 to 1.1, memory for sockets), until the case ends. That is the model, netio: model of a wine target, and one of your own with control: true.",
			args: []argument{
				{name: "ready", kind: argSwitch, off: "not ", doc: "whether it is ready, from now on"},
				{name: "ready_after", kind: argDuration, slot: 1, doc: "it is not ready now, but becomes so after this time"},
				{name: "versions", kind: argVersions, slot: 2, doc: "the lowest and the highest WSK version that it has"},
				{name: "sockets", kind: argSwitch, slot: 4, off: "no ", doc: "whether it has memory for new sockets; WskSocket fails with STATUS_INSUFFICIENT_RESOURCES where not"},
			}},
		{name: "provider_state", code: abi.OpProviderState, requires: CapabilityProviderControl,
			doc: "Asks a provider that can be controlled what it has counted: live things as they are now, calls since the case began.",
			values: []value{
				{name: "registrations", index: abi.ValueProviderRegistrations, doc: "registrations whose WskDeregister has not returned"},
				{name: "captures", index: abi.ValueProviderCaptures, doc: "captures that are not released"},
				{name: "waiters", index: abi.ValueProviderWaiters, doc: "captures that wait for the provider"},
				{name: "sockets", index: abi.ValueProviderSockets, doc: "sockets that are not closed"},
				{name: "busy", index: abi.ValueProviderBusy, doc: "calls of client objects, and their IRPs, that are in progress"},
				{name: "mismatched", index: abi.ValueProviderMismatched, doc: "what a client must not do: a release or a call without a capture, a deregistration without a registration, a close of a socket that is not open, an IRP that is used again and was not made ready"},
				{name: "register_calls", index: abi.ValueProviderRegisterCalls, doc: "successful calls of WskRegister"},
				{name: "deregister_calls", index: abi.ValueProviderDeregisterCalls, doc: "calls of WskDeregister"},
				{name: "capture_calls", index: abi.ValueProviderCaptureCalls, doc: "calls of WskCaptureProviderNPI"},
				{name: "release_calls", index: abi.ValueProviderReleaseCalls, doc: "calls of WskReleaseProviderNPI"},
			}},
	}
}

// provider settles what the step says about readiness: nothing, now, never, or later.
func (p *caseParser) provider(in stepReading) {
	s, given := in.step, in.given
	s.wait = 0 // the step only sets the time; nothing waits for it here
	switch {
	case given["ready"] != nil && given["ready_after"] != nil:
		p.r.At(given["ready_after"], "one of ready and ready_after", "provider has both ready and ready_after")
	case given["ready_after"] != nil:
		s.args[0] = abi.ProviderAfter
	case len(given) == 0:
		p.r.At(in.body, "ready, ready_after, versions or sockets", "provider changes nothing")
	}
}
