package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// reachLimit is how long one try of Await may take: a machine that just boots may take a connection and say nothing.
const reachLimit = 15 * time.Second

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
	transport := dialer{url: ep.URL, tls: tlsConfig(ep), rootsUnread: ep.RootsUnread, count: new(counters)}.transport()
	transport.DisableKeepAlives = true
	var last error
	for {
		err := reach(ctx, transport, ep.URL)
		if err == nil {
			return nil
		}
		if cause := context.Cause(ctx); cause != nil {
			return errors.Join(cause, last) // err may be no more than that ctx has ended
		}
		last = err
		_, distrusted := errors.AsType[*PinError](err)
		if told, ok := errors.AsType[*TLSError](err); distrusted || ok && told.distrusted {
			return err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), last)
		}
	}
}

func reach(ctx context.Context, transport *http.Transport, url string) error {
	ctx, cancel := context.WithTimeout(ctx, reachLimit)
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
