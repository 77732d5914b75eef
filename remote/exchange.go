package remote

import (
	"crypto/tls"
	"net"
	"time"
)

// Exchange is one request and what became of it, for whoever records what is said to a machine: the envelopes as they are
// before they are sealed and after they are opened, and no header, so that no credentials are in it. What commands write
// and read is in the envelopes, passwords in it as well: a [Redactor] is the recorder's business.
type Exchange struct {
	Began      time.Time
	Took       time.Duration
	Connection int64  // the number of the client's connection that it went over, from 1; 0: none was there
	Action     string // as in Fault.Action: Create, Command, Send, Receive, …
	Status     int    // of HTTP; 0: there was no answer
	Request    []byte // not to be changed, as is Answer
	Answer     []byte
	Err        error // why there was no answer
	GaveUp     bool  // it was this side that did not wait for the answer any longer, since its context had ended
}

// numbered is the number of a connection that a dialer has made, also where TLS is around it; 0 for any other.
func numbered(conn net.Conn) int64 {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if counted, ok := conn.(*countedConn); ok {
		return counted.number
	}
	return 0
}
