package harness

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"wskharness/guest"
	"wskharness/remote"
	"wskharness/suites"
	"wskharness/vm"
	"wskharness/vm/static"
	"wskharness/vm/wine"
)

// newProvider wires a target to the provider that its configuration names. It is the one place
// that knows them all: a new provider is a package below vm and a case here.
func newProvider(c *Config, t *Target, k *tools, env Env) (vm.Provider, error) {
	switch t.Provider {
	case ProviderWine:
		return wine.New(c.wineOptions(t, k, env))
	case ProviderStatic:
		endpoint, err := t.Static.endpoint(env.Getenv)
		if err != nil {
			return nil, fmt.Errorf("target %s: %w", t.Name, err)
		}
		return static.New(static.Options{
			Endpoint: endpoint, Reset: t.Static.Reset, Environment: c.environment(t.Static.ResetEnv),
			Redactor: c.redactor(env.Getenv), Logger: env.Logger,
		})
	}
	return nil, fmt.Errorf("target %s: no provider %q", t.Name, t.Provider)
}

func (c *Config) wineOptions(t *Target, k *tools, env Env) wine.Options {
	netio := t.Wine.Netio
	if t.Wine.Model {
		netio = k.models[t.Name]
	}
	return wine.Options{
		Root: env.Cache, Serve: env.Serve, Host: k.winHost, Netio: netio, Never: c.passwordVariables(), Logger: env.Logger, Tell: env.Tell,
		Seed: map[string]string{guest.AgentPath(k.agent.SHA256): k.agent.Path},
	}
}

// endpoint resolves the references of a static target. The secret itself is in no message.
func (t *StaticTarget) endpoint(getenv func(string) string) (remote.Endpoint, error) {
	e := remote.Endpoint{URL: t.URL, User: t.User, Auth: remote.Auth(t.Auth), PinSHA256: t.Certificate, AllowPlain: t.AllowPlain}
	if t.PasswordEnv != "" {
		password, err := passwordText([]byte(getenv(t.PasswordEnv)))
		switch {
		case err != nil:
			return e, usagef("the password's environment variable %s %w", t.PasswordEnv, err)
		case password == "":
			return e, usagef("the password's environment variable %s is empty or not set: export it", t.PasswordEnv)
		}
		e.Password = password
	} else {
		password, exposed, err := readPassword(t.PasswordFile)
		if err = errors.Join(err, exposed); err != nil {
			return e, usagef("read the password: %w", err)
		}
		e.Password = password
	}
	if t.CAFile != "" {
		authorities, err := readAuthorities(t.CAFile)
		if err != nil {
			return e, usagef("read the certificate authority: %w", err)
		}
		e.RootCAs, e.RootsUnread = authorities.pool, authorities.unread
	}
	return e, e.Validate()
}

// describeGuest names a guest as every verdict on it does: a reader must see that a pass on Wine
// is not one on Windows.
func (t *Target) describeGuest(f guest.Facts) string {
	text := f.Describe()
	switch {
	case t.Wine != nil && t.Wine.Model:
		text += ", " + t.Wine.describeModel()
	case t.Wine != nil && t.Wine.Netio != "":
		text += ", netio.sys from " + filepath.Base(t.Wine.Netio)
	case f.Kind() == guest.KindWine:
		text += ", Wine's own netio.sys"
	}
	return text
}

// describeModel names the model, and what it was built with that makes it another.
func (w *WineTarget) describeModel() string {
	text := "wskharness's model netio.sys"
	if len(w.ModelDefines) > 0 {
		text += " with " + strings.Join(sortedDefines(w.ModelDefines), ", ")
	}
	return text
}

// netio is the word for the WSK provider of a Wine guest in the facts, and empty elsewhere.
func (t *Target) netio() string {
	switch {
	case t.Wine == nil:
		return ""
	case t.Wine.Model:
		return "model"
	case t.Wine.Netio != "":
		return filepath.Base(t.Wine.Netio)
	}
	return "builtin"
}

// kindModel is what known issues call a guest with the model: none of Wine's own is one of it.
const kindModel = "model"

// kind is the word by which known issues call a guest.
func (t *Target) kind(f guest.Facts) string {
	if t.Wine != nil && t.Wine.Model {
		return kindModel
	}
	if t.Wine != nil && t.Wine.Netio != "" {
		return "netio:" + filepath.Base(t.Wine.Netio)
	}
	return f.Kind()
}

// capabilities lists what cases may require and this guest has.
func (t *Target) capabilities(f guest.Facts) []string {
	has := f.Capabilities().Names()
	// A provider of the user's own is held to the documentation: what it lacks is a verdict on it.
	if f.Kind() == guest.KindWindows || t.Wine != nil && !t.Wine.OwnNetio() {
		has = append(has, suites.CapabilityQuery, suites.CapabilityRundown, suites.CapabilitySocketRaces)
	}
	if f.Kind() == guest.KindWindows {
		has = append(has, suites.CapabilityEventLog)
	}
	if t.Wine != nil && (t.Wine.Model || t.Wine.Control) {
		has = append(has, suites.CapabilityProviderControl)
	}
	return has
}

// describeStart tells how long a machine took to be ready, where it says.
func describeStart(m vm.Machine) string {
	if s, ok := m.(vm.Starter); ok {
		if d := s.ReadyAfter(); d > 0 {
			return "ready after " + d.Round(time.Millisecond).String()
		}
	}
	return ""
}
