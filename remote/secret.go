package remote

import (
	"fmt"
	"io"
)

const redacted = "[redacted]"

// Secret is a password that does not show in logs, messages, dumps of structures or JSON. Only
// Reveal gives it away.
type Secret string

// Reveal is the secret itself, to be handed to whoever authenticates.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string   { return redacted }
func (s Secret) GoString() string { return redacted }

// Format writes the redaction mark for every verb, %d and %x included.
func (s Secret) Format(f fmt.State, verb rune) { io.WriteString(f, redacted) }

// MarshalJSON writes the redaction mark.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText writes the redaction mark; YAML and log encoders use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
