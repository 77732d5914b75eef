// Package winrmd is a WinRM endpoint: it answers WS-Management as Windows does for remote shells,
// and runs the commands through a [Host]. The harness puts it in front of its Wine guests, and
// tests use it where they would need a Windows machine.
//
//	cert, err := winrmd.NewCertificate("127.0.0.1")
//	…
//	server, err := winrmd.New(winrmd.Options{
//		Host: winrmdtest.LocalHost{}, User: "tester", Password: "secret", Certificate: cert.TLS,
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
// The code page that a shell asks for (WINRS_CODEPAGE) is its host's business, to which it is passed on: Windows makes it the
// input and output code page of the shell's console (MS-WSMV 3.1.4.5.2). A host that has consoles ([Consoles]) is asked
// first, and a shell that wants what they can't have is refused. Output is never converted; in a shell that asked for UTF-8
// no piece of an answer ends amid a character, as long as the rest of it comes within the request's time-out.
//
// # What it does not trust
//
// A client that has not authenticated is answered before its body is read. Envelopes are bounded
// by Limits.MaxEnvelopeSizekb before they are parsed, and by depth and number of elements while
// they are; document types and with them entities are refused. Connections, shells, commands, and
// what is buffered for each of them are bounded. Everything ends in a fault or a closed
// connection.
package winrmd
