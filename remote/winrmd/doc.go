// Package winrmd is a WinRM endpoint: it answers WS-Management as Windows does for remote shells,
// and runs the commands through a [Host]. The harness puts it in front of its Wine guests, and
// tests use it where they would need a Windows machine.
//
//	cert, err := winrmd.NewCertificate("127.0.0.1")
//	…
//	server, err := winrmd.New(winrmd.Options{
//		Host: winrmd.LocalHost{}, User: "tester", Password: "secret", Certificate: cert.TLS,
//	})
//	…
//	go server.Serve(listener)
//	…
//	defer server.Shutdown(ctx)
//
// Any WinRM client can be pointed at it; one of this module's package remote needs
//
//	remote.Endpoint{URL: "https://" + listener.Addr().String() + "/wsman", User: "tester",
//		Password: "secret", Auth: remote.AuthBasic, PinSHA256: cert.SHA256}
//
// # What it speaks
//
// Create, Command, Send, Receive, Signal and Delete of the text shell (…/windows/shell/cmd),
// Enumerate of shells, Get of winrm/config, and Identify. Structure, actions, states, fault codes
// and HTTP statuses are those that Windows hosts were recorded to send; what no recording shows
// follows MS-WSMV and wsmerror.h, and is marked so where it is decided.
//
// # What it does not trust
//
// A client that has not authenticated is answered before its body is read. Envelopes are bounded
// by Limits.MaxEnvelopeSizekb before they are parsed, and by depth and number of elements while
// they are; document types and with them entities are refused. Connections, shells, commands, and
// what is buffered for each of them are bounded. Everything ends in a fault or a closed
// connection.
package winrmd
