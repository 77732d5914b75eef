package powershell

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"wskharness/guest/untrusted"
)

// maxDocument bounds an answer, in bytes of JSON.
const maxDocument = 4 << 20

// document is what the wrapper writes.
type document struct {
	Version string          `json:"version"`
	Answer  json.RawMessage `json:"answer"`
	Error   *failure        `json:"error"`
}

// read reads what PowerShell left.
func read(o Output, mark, script, host string, answer any) error {
	wrong := func(err error) error {
		return &NoAnswerError{Script: script, Host: host, ExitCode: o.ExitCode, Said: said(o), Err: err}
	}
	text, err := between(o.Stdout, mark)
	if err != nil {
		return wrong(err)
	}
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return wrong(fmt.Errorf("what is between the marks is no Base64: %w", err))
	}
	var d document
	if err := untrusted.DecodeOne(data, &d); err != nil {
		return wrong(fmt.Errorf("the answer is no JSON as it should be: %w", err))
	}
	if d.Error != nil {
		return d.Error.typed(script, host)
	}
	if answer == nil {
		return nil
	}
	if len(d.Answer) == 0 || string(d.Answer) == "null" {
		return wrong(errors.New("the script has answered nothing"))
	}
	if err := json.Unmarshal(d.Answer, answer); err != nil {
		return wrong(fmt.Errorf("the answer is another than was asked for: %w", err))
	}
	return nil
}

// between is what stands between the marks, without its line breaks. The answer is the last that is printed.
func between(stdout []byte, mark string) (string, error) {
	_, rest, found := bytes.Cut(stdout, []byte(mark+" begins"))
	if !found {
		return "", errors.New("there is no answer in what it printed")
	}
	text, _, found := bytes.Cut(rest, []byte(mark+" ends"))
	switch {
	case !found:
		return "", errors.New("its answer breaks off")
	case len(text) > maxDocument*4/3:
		return "", fmt.Errorf("its answer is longer than %d bytes", maxDocument)
	}
	return strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' {
			return -1
		}
		return r
	}, string(text)), nil
}

// List is a list as ConvertTo-Json writes it, or what it makes of one. Windows PowerShell 5.1 writes a single element without its
// brackets where a pipeline has unrolled it, {"value": […], "Count": n} of a list that was wrapped on its way, and {} of
// an output that was nothing.
type List[T any] []T

// UnmarshalJSON is of json.Unmarshaler.
func (l *List[T]) UnmarshalJSON(data []byte) error {
	*l = nil
	switch text := bytes.TrimSpace(data); {
	case bytes.Equal(text, []byte("null")), bytes.Equal(text, []byte("{}")):
		return nil
	case bytes.HasPrefix(text, []byte("[")):
		return json.Unmarshal(text, (*[]T)(l))
	case bytes.HasPrefix(text, []byte("{")):
		var members map[string]json.RawMessage
		if err := json.Unmarshal(text, &members); err != nil {
			return err
		}
		value, wrapped := members["value"]
		if _, counted := members["Count"]; wrapped && counted && len(members) == 2 && bytes.HasPrefix(value, []byte("[")) {
			return json.Unmarshal(value, (*[]T)(l))
		}
	}
	var one T
	if err := json.Unmarshal(data, &one); err != nil {
		return err
	}
	*l = List[T]{one}
	return nil
}
