package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// A machine that just boots may take a connection, or what stands in front of it may, and nobody ever answers on it. So Await
// does not wait for one try before it begins the next, and gives most of them up soon: what was begun while the machine was not up
// may be asked for again only after many seconds, by whatever forwards it. A machine that has been waited for for long is a slow
// one, such as an emulated one on a busy host: a handshake takes it seconds, and many at a time keep it from ending any. Tries
// have more time there, and there are as many under way as anywhere.
const (
	betweenTries = 150 * time.Millisecond
	shortLimit   = time.Second // of most tries, at first
	waitedWorth  = 8           // … and later this part of what was waited, up to reachLimit
	longEvery    = 20          // so many tries there is one that has …
	reachLimit   = 15 * time.Second
	maxTries     = 16 // under way at a time: those that the limits allow for, and some
)

// pace is how long most tries have, and how long after one the next is begun, when so much was waited.
func pace(waited time.Duration) (limit, pause time.Duration) {
	limit = min(max(shortLimit, waited/waitedWorth), reachLimit)
	return limit, time.Duration(int64(betweenTries) * int64(limit) / int64(shortLimit))
}

// Await waits until an HTTP server answers at an endpoint, by whatever status, behind the TLS handshake that the endpoint asks
// for: from then on it can be talked to, if not yet logged on to. It authenticates nobody, and sends no secret. A server that
// shows another certificate than it should ends the wait. When ctx ends, the error has its cause, and what the last try said.
func Await(ctx context.Context, ep Endpoint) error {
	if err := ep.Validate(); err != nil {
		return err
	}
	ep.ClientCertificate = nil
	if ep.Auth == AuthCertificate {
		ep.Auth = AuthBasic // which is not used
	}
	transport := dialer{url: ep.URL, tls: TLSConfig(ep), rootsUnread: ep.RootsUnread, count: new(counters)}.transport()
	transport.DisableKeepAlives, transport.MaxConnsPerHost = true, 0
	trying, stop := context.WithCancel(ctx)
	defer stop()
	answers := make(chan error, maxTries)
	under := 0 // how many tries are under way
	begun := 0 // how many there were
	next := time.NewTimer(0)
	defer next.Stop()
	var last error
	since := time.Now()
	for {
		select {
		case <-next.C:
			limit, pause := pace(time.Since(since))
			next.Reset(pause)
			if under < maxTries {
				if begun%longEvery == 0 {
					limit = reachLimit
				}
				under++
				begun++
				go func() { answers <- reach(trying, limit, transport, ep.URL) }()
			}
		case err := <-answers:
			under--
			if err == nil || isFinal(err) {
				return err
			}
			if ctx.Err() == nil { // else it may say no more than that
				last = err
			}
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), last)
		}
	}
}

// isFinal says of an error that waiting does not help: another machine answers.
func isFinal(err error) bool {
	_, distrusted := errors.AsType[*pinError](err)
	told, ok := errors.AsType[*TLSError](err)
	return distrusted || ok && told.distrusted
}

func reach(ctx context.Context, limit time.Duration, transport *http.Transport, url string) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(""))
	if err != nil {
		return withoutURL(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, response.Body, 64<<10) // it is an answer, whatever becomes of the rest
	return response.Body.Close()
}
