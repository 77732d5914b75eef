package power

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"wskharness/guest/untrusted"
	"wskharness/remote"
)

// redfishService is where a Redfish service answers.
type redfishService struct {
	url      *url.URL // scheme and host
	user     string
	password remote.Secret
	basic    bool // no session is made
	client   *http.Client
}

const (
	maxRedfish    = 1 << 20 // of an answer, in bytes: a system of a large server has some 20 kB
	maxMessages   = 4       // of an error that are told
	goodbyeWithin = 10 * time.Second
)

// redfishSession is a service that was logged on to.
type redfishSession struct {
	service *redfishService
	token   string
	root    struct {
		Systems link
		Links   struct {
			Sessions link
		}
	}
}

// session logs on, does something, and logs off again: a controller has room for few sessions.
func (r *redfishService) session(ctx context.Context, do func(*redfishSession) error) (err error) {
	s := &redfishSession{service: r}
	defer r.client.CloseIdleConnections()
	if err := s.get(ctx, "/redfish/v1/", &s.root); err != nil { // this one needs no account (DSP0266, 13.3)
		return err
	}
	if !r.basic {
		end, err := s.open(ctx)
		if err != nil {
			return err
		}
		defer end()
	}
	return do(s)
}

// open makes a session.
func (s *redfishSession) open(ctx context.Context) (end func(), err error) {
	sessions := s.root.Links.Sessions.ID
	if sessions == "" {
		return nil, errors.New("the service makes no sessions: give auth: basic")
	}
	response, err := s.request(ctx, http.MethodPost, sessions, map[string]string{"UserName": s.service.user, "Password": s.service.password.Reveal()})
	if err != nil {
		return nil, fmt.Errorf("log on: %w", err)
	}
	response.Body.Close()
	if s.token = response.Header.Get("X-Auth-Token"); s.token == "" {
		return nil, errors.New("log on: the service has made a session, and tells no token for it: give auth: basic")
	}
	where := response.Header.Get("Location")
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goodbyeWithin)
		defer cancel()
		if where == "" {
			return
		}
		if response, err := s.request(ctx, http.MethodDelete, where, nil); err == nil { // else it ends by itself, as the service has it
			response.Body.Close()
		}
	}, nil
}

// get reads a resource.
func (s *redfishSession) get(ctx context.Context, path string, into any) error {
	response, err := s.request(ctx, http.MethodGet, path, nil)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxRedfish+1))
	switch {
	case err != nil:
		return fmt.Errorf("read %s: %w", path, err)
	case len(data) > maxRedfish:
		return fmt.Errorf("%s has more than %d bytes", path, maxRedfish)
	}
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("%s is no resource of Redfish: %w", path, err)
	}
	return nil
}

// post orders an action.
func (s *redfishSession) post(ctx context.Context, path string, body any) error {
	response, err := s.request(ctx, http.MethodPost, path, body)
	if err == nil {
		response.Body.Close()
	}
	return err
}

// request asks the service something, and nobody else: whatever a link says, account and token go to the target's host alone.
func (s *redfishSession) request(ctx context.Context, method, path string, body any) (*http.Response, error) {
	where, err := s.service.url.Parse(path)
	if err != nil || where.Host != s.service.url.Host || where.Scheme != s.service.url.Scheme || where.User != nil {
		return nil, fmt.Errorf("the service names another place than itself, which gets no account: %.200q", path)
	}
	var content io.Reader
	if body != nil {
		data, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, where.String(), content)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/json")
	request.Header.Set("OData-Version", "4.0")
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	switch {
	case s.service.basic:
		request.SetBasicAuth(s.service.user, s.service.password.Reveal())
	case s.token != "":
		request.Header.Set("X-Auth-Token", s.token)
	}
	response, err := s.service.client.Do(request)
	if err != nil {
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		if wrapped, ok := errors.AsType[*url.Error](err); ok {
			err = wrapped.Err
		}
		return nil, fmt.Errorf("%s %s: %w", method, where.Path, err)
	}
	if response.StatusCode/100 == 2 {
		return response, nil
	}
	defer response.Body.Close()
	return nil, fmt.Errorf("%s %s: %w", method, where.Path, refusal(response))
}

// refusal is what a service says of why it does not do something (DSP0266, 8.6).
func refusal(response *http.Response) error {
	data, _ := io.ReadAll(io.LimitReader(response.Body, 64<<10)) // as far as it comes
	var body struct {
		Error struct {
			Message  string
			Extended []struct {
				Message    string
				Resolution string
			} `json:"@Message.ExtendedInfo"`
		}
	}
	_ = json.Unmarshal(data, &body) // one that is no JSON has nothing to say
	var said []string
	for _, m := range body.Error.Extended[:min(len(body.Error.Extended), maxMessages)] {
		said = append(said, told(m.Message))
		if m.Resolution != "" && !strings.EqualFold(m.Resolution, "none") {
			said = append(said, "("+told(m.Resolution)+")")
		}
	}
	if said == nil && body.Error.Message != "" {
		said = append(said, told(body.Error.Message))
	}
	text := fmt.Sprintf("HTTP status %d", response.StatusCode)
	if said != nil {
		text += ": " + strings.Join(said, " ")
	}
	switch response.StatusCode {
	case http.StatusUnauthorized:
		text += ": see user and password_env, or password_file, of redfish"
	case http.StatusForbidden:
		text += ": the account may not do that (it takes the role Operator)"
	}
	return errors.New(text)
}

// told is the beginning of a text of the service's, in one line.
func told(text string) string { return untrusted.Clip(untrusted.Printable([]byte(text)), 300) }
