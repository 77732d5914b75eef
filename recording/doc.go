// Package recording keeps what is said to a guest over WinRM: one line of JSON an exchange, compressed, flushed as it goes,
// so that a controller that is killed leaves what was. Secrets are taken out before anything is written, also those that
// streams have in base64, in pieces. It never holds up who talks to the guest, and never fails him: where the disk is slow
// or full the recording has a hole or an end, and says so.
package recording

import (
	"errors"
	"time"
)

// Line is a line of a recording: an exchange, or a note that something is missing there.
type Line struct {
	Note string `json:"note,omitempty"` // why exchanges are missing from here on; the rest is empty then

	At         time.Duration `json:"at,omitempty"`         // when it began, in ns from the start of the recording
	Took       time.Duration `json:"took,omitempty"`       // ns
	Client     int           `json:"client,omitempty"`     // which of the controller's clients, from 1
	Connection int64         `json:"connection,omitempty"` // which of that client's connections, from 1; 0: there was none
	Method     string        `json:"method,omitempty"`     // of HTTP
	Action     string        `json:"action,omitempty"`     // Create, Command, Send, Receive, Signal, Delete, …
	Status     int           `json:"status,omitempty"`     // of HTTP; 0: there was no answer
	Request    string        `json:"request,omitempty"`    // the envelope
	Answer     string        `json:"answer,omitempty"`     // the envelope, or whatever came
	Cut        bool          `json:"cut,omitempty"`        // one of them was longer than is kept
	Error      string        `json:"error,omitempty"`      // why there was no answer
	GaveUp     bool          `json:"gaveUp,omitempty"`     // the controller did not wait for it: its command was ended
}

const (
	// FileName is a recording's in the folder of its target; those of controllers that resumed the run have a number in it.
	FileName = "exchanges.ndjson.gz"

	maxFile  = 64 << 20 // bytes of a file, compressed
	maxBody  = 1 << 20  // bytes of an envelope: a client asks for at most half of that
	maxQueue = 64 << 20 // bytes that wait for the disk
	maxLine  = 16 << 20 // bytes of a line that is read: JSON writes a byte in at most six

	closeLimit = 10 * time.Second // how long a disk may take for the rest
)

var errFull = errors.New("it is as large as one may be")
