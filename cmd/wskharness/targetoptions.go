package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"wskharness/driver"
	"wskharness/prepare"
	"wskharness/remote"
	"wskharness/settings"
)

// targetOptions are the flags that say what a target is to be.
type targetOptions struct {
	certificate   string
	keep, drivers []string
	flags, debug  string
	https         bool
	logOn         string // a file: who is to be let in
	passwordEnv   string
}

func (o *targetOptions) declare(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.certificate, "certificate", "", "the certificate that signs the driver, PEM or DER (default: the harness's own)")
	f.StringSliceVar(&o.keep, "keep", nil, "settings that stay as they are: "+strings.Join(prepare.Names(), ", "))
	f.StringSliceVar(&o.drivers, "verify", nil, "drivers that Driver Verifier is to verify, such as wsksample.sys")
	f.StringVar(&o.flags, "verifier-flags", "standard", "what it is to verify: standard, or a number such as 0x209bb")
	f.StringVar(&o.debug, "debug", "", "kernel debugging: serial:PORT[:BAUD], or net:ADDRESS:PORT of the debugger")
	f.BoolVar(&o.https, "https", false, "WinRM is to answer over HTTPS, and to take Basic there")
	f.StringVar(&o.logOn, "client-certificate", "", "a client's certificate, PEM, with those that issued it: the machine is to let that client in, as the account of the target (default: the target's own, where its auth is certificate)")
	f.StringVar(&o.passwordEnv, "password-env", "", "log on by NTLM this time, with the password that is in this environment variable: where the machine does not know the target's certificate yet, or to take back what let it in")
}

var (
	driverFile    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,60}\.[sS][yY][sS]$`)
	verifierFlags = regexp.MustCompile(`^(standard|0x[0-9A-Fa-f]{1,8})$`)
)

// read checks all flags, and makes options of them.
func (o *targetOptions) read() (prepare.Options, error) {
	var options prepare.Options
	var wrong []error
	for _, name := range o.keep {
		if !slices.Contains(prepare.Names(), name) {
			wrong = append(wrong, fmt.Errorf("--keep %s: no such setting; there are %s", name, strings.Join(prepare.Names(), ", ")))
		}
	}
	options.Keep, options.HTTPS = o.keep, o.https
	for _, name := range o.drivers {
		if !driverFile.MatchString(name) {
			wrong = append(wrong, fmt.Errorf("--verify %s: want the name of a driver's file, such as wsksample.sys", name))
		}
	}
	if !verifierFlags.MatchString(o.flags) {
		wrong = append(wrong, fmt.Errorf("--verifier-flags %s: want standard, or a number of 0x and at most eight hexadecimal digits", o.flags))
	}
	if len(o.drivers) > 0 {
		options.Verifier = &prepare.Verifier{Flags: o.flags, Drivers: o.drivers}
	}
	var err error
	if options.Debug, err = readDebug(o.debug); err != nil {
		wrong = append(wrong, err)
	}
	if options.Certificate, err = readCertificate(o.certificate); err != nil {
		wrong = append(wrong, err)
	}
	if err := errors.Join(wrong...); err != nil {
		return options, &flagError{err}
	}
	return options, nil
}

func readDebug(text string) (*prepare.Debugging, error) {
	if text == "" {
		return nil, nil
	}
	bad := fmt.Errorf("--debug %s: want serial:PORT, serial:PORT:BAUD, or net:ADDRESS:PORT with an IPv4 address and a port from 49152 to 65535", text)
	how, rest, _ := strings.Cut(text, ":")
	first, second, both := strings.Cut(rest, ":")
	switch how {
	case "serial":
		port, err := strconv.ParseUint(first, 10, 8)
		baud := uint64(115200)
		if err == nil && both {
			baud, err = strconv.ParseUint(second, 10, 32)
		}
		if err != nil || port < 1 || baud < 1200 {
			return nil, bad
		}
		return &prepare.Debugging{Port: port, Baud: baud}, nil
	case "net":
		address, err := netip.ParseAddrPort(rest)
		if err != nil || !address.Addr().Is4() || address.Port() < 49152 { // KDNET's ports ("Setting up KDNET network kernel debugging manually")
			return nil, bad
		}
		var host uint64
		for _, b := range address.Addr().As4() {
			host = host<<8 | uint64(b)
		}
		return &prepare.Debugging{Host: host, HostPort: uint64(address.Port())}, nil
	}
	return nil, bad
}

// reach is how to log on to a target that is reached so, with what that says of the options.
func (o *targetOptions) reach(e remote.Endpoint, options *prepare.Options, getenv func(string) string, tell func(string)) (remote.Endpoint, error) {
	chain, err := o.clientChain(e)
	if err != nil {
		return e, err
	}
	if o.passwordEnv != "" {
		password := remote.Secret(getenv(o.passwordEnv))
		if password == "" {
			return e, settings.Usagef("--password-env %s: the variable is empty or not set: export it", o.passwordEnv)
		}
		e.Auth, e.Password, e.ClientCertificate = remote.AuthNTLM, password, nil
	}
	options.Reached = prepare.Reached{By: e.Auth, HTTPS: strings.HasPrefix(strings.ToLower(e.URL), "https:")}
	if chain == nil {
		return e, nil
	}
	if options.LogOn, err = prepare.NewLogOn(chain, e.User, e.Password, time.Now()); err != nil && e.Auth == remote.AuthCertificate && o.logOn == "" {
		tell(fmt.Sprintf("what the machine has to have for the target's certificate is not looked at: %v", err))
		return e, nil
	}
	if err != nil {
		return e, settings.Usagef("the client's certificate %s: %w", o.logOn, err)
	}
	return e, nil
}

// clientChain is the certificate that somebody is to log on by, with those that issued it; nil where that is nobody's wish.
func (o *targetOptions) clientChain(e remote.Endpoint) (chain []*x509.Certificate, err error) {
	var ders [][]byte
	switch {
	case o.logOn != "":
		data, err := os.ReadFile(o.logOn)
		if err != nil {
			return nil, &flagError{fmt.Errorf("--client-certificate: %w", err)}
		}
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if block.Type == "CERTIFICATE" {
				ders = append(ders, block.Bytes)
			}
		}
		if ders == nil {
			return nil, &flagError{fmt.Errorf("--client-certificate %s: it has no certificate in PEM", o.logOn)}
		}
	case e.ClientCertificate != nil:
		ders = e.ClientCertificate.Certificate
	}
	for _, der := range ders {
		c, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, settings.Usagef("the client's certificate: %w", err)
		}
		chain = append(chain, c)
	}
	return chain, nil
}

// readCertificate is a file's, or that by which the harness signs.
func readCertificate(path string) (*x509.Certificate, error) {
	if path == "" {
		signer, err := driver.UserSigner(time.Now())
		if err != nil {
			return nil, err
		}
		return signer.Certificate, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("--certificate: %w", err)
	}
	if block, _ := pem.Decode(data); block != nil {
		data = block.Bytes
	}
	certificate, err := x509.ParseCertificate(data)
	if err != nil {
		return nil, fmt.Errorf("--certificate %s: %w", path, err)
	}
	return certificate, nil
}
