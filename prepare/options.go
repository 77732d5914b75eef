package prepare

import (
	"crypto/x509"

	"wskharness/remote"
)

// Options say what a target is to be, beyond what every target is.
type Options struct {
	Certificate *x509.Certificate // that signs the driver; nil: the stores are not looked at
	Keep        []string          // names of settings that stay as they are
	Verifier    *Verifier         // nil: Driver Verifier is left alone
	Debug       *Debugging        // nil: kernel debugging is left alone
	HTTPS       bool              // WinRM is to answer over HTTPS, with Basic
	LogOn       *LogOn            // nil: by which certificates somebody may log on is left alone
	Reached     Reached           // how whoever asks has logged on
}

// Reached is how a target is logged on to, so that nothing of that is taken away from under whoever uses it.
type Reached struct {
	By    remote.Auth // empty: not known
	HTTPS bool
}

// Debugging is how the kernel is debugged: over a serial port where Port is not 0, and else over the network, with a key that
// Windows makes (Microsoft, "Setting up KDNET network kernel debugging manually").
type Debugging struct {
	Port, Baud uint64 // serial
	Host       uint64 // IPv4, of the debugger
	HostPort   uint64 // UDP
}
