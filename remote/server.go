package remote

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/masterzen/winrm/soap"

	"wskharness/remote/internal/wsman"
)

// ShellInfo is what the server tells about a shell.
type ShellInfo struct {
	ID, Name, Owner, ClientIP string
	Resource                  string // the kind of shell: …/windows/shell/cmd for those of this package
}

// most shells that are looked at
const maxShells = 1000

// Shells lists the shells on the machine that the user may see, other people's included.
func (c *WinRM) Shells(ctx context.Context) ([]ShellInfo, error) {
	env, err := c.do(ctx, opEnumerate(), c.builder().enumerateShells)
	if err != nil {
		return nil, fmt.Errorf("list shells on %s: %w", c.endpoint.URL, err)
	}
	list := env.Body.Child(wsman.NSEnumeration, "EnumerateResponse")
	infos := shellsIn(list.Child(wsman.NSManagement, "Items"))
	ended := list.Child(wsman.NSManagement, "EndOfSequence") != nil
	where := list.Child(wsman.NSEnumeration, "EnumerationContext").Content()
	for !ended && where != "" && len(infos) < maxShells {
		at := where
		env, err := c.do(ctx, opPull(), func() (message, error) { return c.builder().pull(at) })
		if err != nil {
			return nil, fmt.Errorf("list shells on %s: %w", c.endpoint.URL, err)
		}
		list := env.Body.Child(wsman.NSEnumeration, "PullResponse")
		more := shellsIn(list.Child(wsman.NSEnumeration, "Items"))
		infos = append(infos, more...)
		ended = list.Child(wsman.NSEnumeration, "EndOfSequence") != nil || len(more) == 0
		where = list.Child(wsman.NSEnumeration, "EnumerationContext").Content()
	}
	return infos, nil
}

func shellsIn(items *wsman.Element) []ShellInfo {
	var infos []ShellInfo
	for _, s := range items.All(wsman.NSShell, "Shell") {
		text := func(name string) string { return s.Child(wsman.NSShell, name).Content() }
		infos = append(infos, ShellInfo{ID: text("ShellId"), Name: text("Name"), Owner: text("Owner"), ClientIP: text("ClientIP"), Resource: text("ResourceUri")})
	}
	return infos
}

func (b builder) enumerateShells() (message, error) {
	id := newMessageID()
	m, err := b.header(opEnumerate(), id, wsman.ResourceShell, "")
	if err != nil {
		return message{}, err
	}
	body := m.CreateBodyElement("Enumerate", soap.DOM_NS_ENUM)
	m.CreateElement(body, "OptimizeEnumeration", soap.DOM_NS_WSMAN_DMTF)
	m.CreateElement(body, "MaxElements", soap.DOM_NS_WSMAN_DMTF).SetContent(strconv.Itoa(maxShells))
	return finish(id, m), nil
}

func (b builder) pull(where string) (message, error) {
	id := newMessageID()
	m, err := b.header(opPull(), id, wsman.ResourceShell, "")
	if err != nil {
		return message{}, err
	}
	escaped, err := wsman.Escape(where)
	if err != nil {
		return message{}, err
	}
	body := m.CreateBodyElement("Pull", soap.DOM_NS_ENUM)
	m.CreateElement(body, "EnumerationContext", soap.DOM_NS_ENUM).SetContent(escaped)
	m.CreateElement(body, "MaxElements", soap.DOM_NS_ENUM).SetContent(strconv.Itoa(maxShells))
	return finish(id, m), nil
}

// ServerConfig is what winrm/config says of the server's limits. What it does not say is zero.
type ServerConfig struct {
	MaxEnvelope          int           // bytes of a request
	MaxTimeout           time.Duration // cap of OperationTimeout
	MaxShellsPerUser     int
	MaxProcessesPerShell int
	IdleTimeout          time.Duration // of shells that ask for none
}

// ServerConfig reads the server's limits. Windows lets only administrators do that.
func (c *WinRM) ServerConfig(ctx context.Context) (ServerConfig, error) {
	env, err := c.do(ctx, opGet(), func() (message, error) { return c.builder().get(wsman.ResourceConfig) })
	if err != nil {
		return ServerConfig{}, fmt.Errorf("read winrm/config of %s: %w", c.endpoint.URL, err)
	}
	config := env.Body.Child(wsman.NSConfig, "Config")
	winrs := config.Child(wsman.NSConfig, "Winrs")
	return ServerConfig{
		MaxEnvelope:          number(config, "MaxEnvelopeSizekb") << 10,
		MaxTimeout:           time.Duration(number(config, "MaxTimeoutms")) * time.Millisecond,
		MaxShellsPerUser:     number(winrs, "MaxShellsPerUser"),
		MaxProcessesPerShell: number(winrs, "MaxProcessesPerShell"),
		IdleTimeout:          time.Duration(number(winrs, "IdleTimeout")) * time.Millisecond,
	}, nil
}

func number(in *wsman.Element, name string) int {
	n, err := strconv.ParseUint(in.Child(wsman.NSConfig, name).Content(), 10, 31)
	if err != nil {
		return 0
	}
	return int(n)
}

// envelopes of Windows before version 8 (150 KiB), tried when the server's limit cannot be read
const oldMaxEnvelope = 150 << 10

// shrinkEnvelope adapts to a server that refused an envelope for its size, and says whether there
// is any point in trying again.
func (c *WinRM) shrinkEnvelope(ctx context.Context) bool {
	current := int(c.maxEnvelope.Load())
	next := oldMaxEnvelope
	if next >= current {
		next = current / 2
	}
	config, err := c.ServerConfig(ctx)
	if err == nil && config.MaxEnvelope >= minMaxEnvelope && config.MaxEnvelope < current {
		next = config.MaxEnvelope
	}
	if next < minMaxEnvelope {
		return false
	}
	c.log.Info("server refused an envelope, using smaller ones", "bytes", next, "before", current)
	c.maxEnvelope.CompareAndSwap(int64(current), int64(next))
	return true
}
