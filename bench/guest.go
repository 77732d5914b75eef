package main

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"wskharness/driver"
	"wskharness/guest"
	"wskharness/remote"
)

// upGuest is what `vm up --json` says of a guest.
type upGuest struct {
	ID                string
	Endpoint          string
	User              string
	PasswordFile      string
	CertificateFile   string
	CertificateSHA256 string

	down func() // ends it
}

func (b *bench) up(ctx context.Context) (*upGuest, error) {
	got, err := b.run(ctx, "vm", "up", "wine", "--json")
	if err != nil {
		return nil, err
	}
	up := &upGuest{}
	if err := json.Unmarshal(got.stdout, up); err != nil {
		return nil, fmt.Errorf("vm up --json: %w", err)
	}
	up.down = func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 30*time.Second)
		defer cancel()
		if _, err := b.run(ctx, "vm", "down", up.ID); err != nil {
			fmt.Fprintln(os.Stderr, "bench:", err)
		}
	}
	return up, nil
}

func (u *upGuest) password() (string, error) {
	password, err := os.ReadFile(u.PasswordFile)
	return strings.TrimSpace(string(password)), err
}

// address is where the endpoint listens.
func (u *upGuest) address() (string, error) {
	at, err := url.Parse(u.Endpoint)
	if err != nil {
		return "", err
	}
	return at.Host, nil
}

// endpoint is the guest's, as it is reached at this address: directly, or through a relay.
func (u *upGuest) endpoint(address string) (remote.Endpoint, error) {
	password, err := u.password()
	if err != nil {
		return remote.Endpoint{}, err
	}
	pem, err := os.ReadFile(u.CertificateFile)
	if err != nil {
		return remote.Endpoint{}, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return remote.Endpoint{
		URL: "https://" + address + "/wsman", User: u.User, Password: remote.Secret(password),
		Auth: remote.AuthBasic, PinSHA256: u.CertificateSHA256, RootCAs: roots,
	}, nil
}

// session is an open connection to the guest, with the agent.
type session struct {
	client *remote.WinRM
	agent  guest.Agent
	guest  *guest.Guest
}

func (u *upGuest) connect(ctx context.Context, address string) (*session, error) {
	endpoint, err := u.endpoint(address)
	if err != nil {
		return nil, err
	}
	toolchain, err := driver.FindToolchain(ctx)
	if err != nil {
		return nil, err
	}
	cache, err := driver.DefaultCache()
	if err != nil {
		return nil, err
	}
	agent, err := driver.Build(ctx, toolchain, driver.AgentSpec(), cache)
	if err != nil {
		return nil, err
	}
	client, err := remote.New(endpoint, remote.Options{Owner: "wskharness bench"})
	if err != nil {
		return nil, err
	}
	s := &session{client: client, agent: guest.Agent{Path: agent.Path, SHA256: agent.SHA256}}
	if s.guest, err = s.reconnect(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return s, nil
}

// reconnect gives another guest.Guest, which remembers nothing of what was pushed.
func (s *session) reconnect(ctx context.Context) (*guest.Guest, error) {
	return guest.Connect(ctx, s.client, guest.Options{Agent: s.agent})
}

func (s *session) close() { s.client.Close() }
