package suites

import "strconv"

// Service says how the tested driver is installed in a guest.
type Service struct {
	Name       string
	Start      StartType
	Depends    []string // services that have to be started before it
	Parameters []Parameter
	// NeverUnload says that the driver can't be unloaded, or is not to be: it is left running.
	NeverUnload bool
}

// StartType is when Windows starts a driver by itself; the numbers are Windows's (SERVICE_BOOT_START and so on).
type StartType uint32

// The start types of a driver.
const (
	StartBoot StartType = iota
	StartSystem
	StartAuto
	StartDemand
)

// StartTypes lists their names, by their numbers.
func StartTypes() []string { return []string{"boot", "system", "auto", "demand"} }

// Parameter is a registry value below the service's key Parameters.
type Parameter struct {
	Name   string
	Kind   RegKind
	Values []string // one, but of RegMulti
}

// RegKind is the type of a registry value, by Windows's number.
type RegKind uint32

// The kinds of registry values. Numbers are written as decimal digits, bytes as hexadecimal ones.
const (
	RegText   RegKind = 1
	RegBinary RegKind = 3
	RegDword  RegKind = 4
	RegMulti  RegKind = 7
	RegQword  RegKind = 11
)

// settings is the service as the agent is told of it (driver/agent/machine/settings.h).
func (s *Service) settings(inf string) []string {
	texts := []string{"start", strconv.Itoa(int(s.Start))}
	for _, name := range s.Depends {
		texts = append(texts, "depend", name)
	}
	for _, p := range s.Parameters {
		texts = append(texts, "value", p.Name, strconv.Itoa(int(p.Kind)), strconv.Itoa(len(p.Values)))
		texts = append(texts, p.Values...)
	}
	if inf != "" {
		texts = append(texts, "inf", inf)
	}
	return texts
}
