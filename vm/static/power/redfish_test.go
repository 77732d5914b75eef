package power

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"wskharness/remote"
	"wskharness/vm"
)

// service is a Redfish service, as DSP0266 and the mockups of DSP2043 have it.
type service struct {
	mu       sync.Mutex
	power    string
	did      []string
	sessions map[string]bool
	total    int

	systems   []string            // Ids; nil: one
	allowable []string            // of each; nil: it does not say
	info      []string            // what its action's info says; nil: it has none
	noBasic   bool                // only sessions are taken
	answers   map[string]answerer // that stand in for the service's own, by method and path
}

type answerer = http.HandlerFunc

func serve(t *testing.T, s *service) (*redfish, *httptest.Server) {
	t.Helper()
	s.sessions = map[string]bool{}
	if s.power == "" {
		s.power = "On"
	}
	if s.systems == nil {
		s.systems = []string{"437XR1138R2"}
	}
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)
	where, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	e := remote.Endpoint{PinSHA256: remote.PinOf(server.Certificate())}
	return &redfish{service: redfishService{url: where, user: "op", password: "s3cret", client: redfishClient(e)}}, server
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if answer := s.answers[r.Method+" "+r.URL.Path]; answer != nil {
		answer(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	say := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	at := func(path string) map[string]string { return map[string]string{"@odata.id": path} }
	if r.URL.Path == "/redfish/v1/" {
		say(map[string]any{"@odata.id": "/redfish/v1/", "Systems": at("/redfish/v1/Systems"), "Links": map[string]any{"Sessions": at("/redfish/v1/SessionService/Sessions")}})
		return
	}
	var body map[string]string
	_ = json.NewDecoder(r.Body).Decode(&body)
	if r.Method == http.MethodPost && r.URL.Path == "/redfish/v1/SessionService/Sessions" {
		if body["UserName"] != "op" || body["Password"] != "s3cret" {
			refuse(w, http.StatusUnauthorized, "Base.1.8.NoValidSession", "There is no valid session established with the implementation.", "Establish a session before attempting any operations.")
			return
		}
		s.total++
		token := fmt.Sprint("token", s.total)
		s.sessions[token] = true
		w.Header().Set("X-Auth-Token", token)
		w.Header().Set("Location", "/redfish/v1/SessionService/Sessions/"+token)
		w.WriteHeader(http.StatusCreated)
		return
	}
	user, password, basic := r.BasicAuth()
	if !s.sessions[r.Header.Get("X-Auth-Token")] && (s.noBasic || !basic || user != "op" || password != "s3cret") {
		refuse(w, http.StatusUnauthorized, "Base.1.8.NoValidSession", "There is no valid session established with the implementation.", "")
		return
	}
	system, _ := strings.CutPrefix(r.URL.Path, "/redfish/v1/Systems/")
	system, action, _ := strings.Cut(system, "/")
	switch {
	case r.Method == http.MethodDelete:
		delete(s.sessions, r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:])
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Path == "/redfish/v1/Systems":
		page := map[string]any{}
		members := s.systems // in pages of two
		if skip := 2; r.URL.Query().Get("$skip") == "2" {
			members = members[skip:]
		} else if len(members) > skip {
			members = members[:skip]
			page["Members@odata.nextLink"] = "/redfish/v1/Systems?$skip=2"
		}
		var all []any
		for _, m := range members {
			all = append(all, at("/redfish/v1/Systems/"+m))
		}
		page["Members"] = all
		say(page)
	case !slices.Contains(s.systems, system):
		refuse(w, http.StatusNotFound, "Base.1.8.ResourceMissingAtURI", "The resource at the URI was not found.", "")
	case action == "ResetActionInfo":
		say(map[string]any{"Parameters": []any{map[string]any{"Name": "ResetType", "AllowableValues": s.info}}})
	case action == "Actions/ComputerSystem.Reset" && r.Method == http.MethodPost:
		s.did = append(s.did, system+" "+body["ResetType"])
		switch body["ResetType"] {
		case "On", "ForceOn", "ForceRestart":
			s.power = "On"
		case "ForceOff":
			s.power = "Off"
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		reset := map[string]any{"target": r.URL.Path + "/Actions/ComputerSystem.Reset"}
		if s.allowable != nil {
			reset["ResetType@Redfish.AllowableValues"] = s.allowable
		}
		if s.info != nil {
			reset["@Redfish.ActionInfo"] = r.URL.Path + "/ResetActionInfo"
		}
		say(map[string]any{"Id": system, "PowerState": s.power, "Actions": map[string]any{"#ComputerSystem.Reset": reset}})
	}
}

// refuse answers with an error (DSP0266, 8.6).
func refuse(w http.ResponseWriter, status int, id, message, resolution string) {
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"code": "Base.1.8.GeneralError", "message": "A general error has occurred. See ExtendedInfo for more information.",
		"@Message.ExtendedInfo": []any{map[string]any{"MessageId": id, "Message": message, "Resolution": resolution}}}})
}

// What a service is asked for, of which system, and in which words, is what it says that it takes.
func TestRedfish(t *testing.T) {
	most := []string{"On", "ForceOff", "GracefulShutdown", "ForceRestart", "Nmi", "PushPowerButton"}
	for name, test := range map[string]struct {
		service *service
		system  string
		basic   bool
		do      Action
		did     string
		want    string // of the error
	}{
		"reset":                       {&service{allowable: most}, "", false, Reset, "437XR1138R2 ForceRestart", ""},
		"with basic":                  {&service{allowable: most}, "", true, Reset, "437XR1138R2 ForceRestart", ""},
		"basic is not taken":          {&service{noBasic: true}, "", true, Reset, "", "GET /redfish/v1/Systems: HTTP status 401: There is no valid session"},
		"off":                         {&service{allowable: most}, "", false, Off, "437XR1138R2 ForceOff", ""},
		"on":                          {&service{allowable: most, power: "Off"}, "", false, On, "437XR1138R2 On", ""},
		"on, which it is":             {&service{allowable: most}, "", false, On, "", ""},
		"reset of one that is off":    {&service{allowable: most, power: "Off"}, "", false, Reset, "437XR1138R2 On", ""},
		"nmi":                         {&service{allowable: most}, "", false, NMI, "437XR1138R2 Nmi", ""},
		"another word":                {&service{allowable: []string{"ForceOn", "PowerCycle"}}, "", false, Reset, "437XR1138R2 PowerCycle", ""},
		"it does not say":             {&service{}, "", false, NMI, "437XR1138R2 Nmi", ""},
		"its info says":               {&service{info: []string{"PowerCycle"}}, "", false, Reset, "437XR1138R2 PowerCycle", ""},
		"not allowed":                 {&service{allowable: []string{"On", "ForceOff"}}, "", false, NMI, "", "takes the reset types On, ForceOff, and not Nmi"},
		"one of several":              {&service{systems: []string{"A", "B", "C"}}, "C", false, Reset, "C ForceRestart", ""},
		"by its path":                 {&service{systems: []string{"A", "B", "C"}}, "/redfish/v1/Systems/B", false, Reset, "B ForceRestart", ""},
		"several, and none was named": {&service{systems: []string{"A", "B", "C"}}, "", false, Reset, "", "3 systems, A, B, C: say which by the key system"},
		"no such system":              {&service{systems: []string{"A", "B"}}, "X", false, Reset, "", "no system X, but A, B"},
		"none":                        {&service{systems: []string{}}, "", false, Reset, "", "has no systems"},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := serve(t, test.service)
			r.system, r.service.basic = test.system, test.basic
			err := newControl(r, 0).Do(t.Context(), test.do)
			if got := strings.Join(test.service.did, ", "); got != test.did {
				t.Errorf("got %q, want %q", got, test.did)
			}
			checkError(t, err, test.want)
			if len(test.service.sessions) != 0 || (test.service.total == 0) != test.basic {
				t.Errorf("%d of %d sessions are left open, want none", len(test.service.sessions), test.service.total)
			}
		})
	}
}

func checkError(t *testing.T, err error, want string) {
	t.Helper()
	if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
	if err != nil && strings.Contains(err.Error(), "s3cret") {
		t.Errorf("it tells the password: %v", err)
	}
}

// A service that is broken, hostile, or does not like what it is asked, is told as what it is.
func TestRedfishThatFails(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("another host was asked") }))
	defer elsewhere.Close()
	const root, system = "GET /redfish/v1/", "GET /redfish/v1/Systems/437XR1138R2"
	const reset = "POST /redfish/v1/Systems/437XR1138R2/Actions/ComputerSystem.Reset"
	text := func(text string) answerer {
		return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
	}
	status := func(code int, text string) answerer {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(code); fmt.Fprint(w, text) }
	}
	for name, test := range map[string]struct {
		at     string
		answer answerer
		want   string
	}{
		"no service":            {root, status(404, "<html>"), "GET /redfish/v1/: HTTP status 404"},
		"no JSON":               {root, text("<html>welcome</html>"), "/redfish/v1/ is no resource of Redfish"},
		"a list":                {root, text("[]"), "is no resource of Redfish"},
		"no systems":            {root, text(`{"Links":{"Sessions":{"@odata.id":"/redfish/v1/SessionService/Sessions"}}}`), "no collection of systems"},
		"no sessions":           {root, text(`{"Systems":{"@odata.id":"/redfish/v1/Systems"}}`), "makes no sessions: give auth: basic"},
		"no token":              {"POST /redfish/v1/SessionService/Sessions", status(201, ""), "tells no token for it"},
		"no room for sessions":  {"POST /redfish/v1/SessionService/Sessions", refused(503, "The service has no room for more sessions.", "Reduce the number of other sessions."), "log on: POST /redfish/v1/SessionService/Sessions: HTTP status 503: The service has no room for more sessions. (Reduce the number of other sessions.)"},
		"links elsewhere":       {"GET /redfish/v1/Systems", text(`{"Members":[{"@odata.id":"` + elsewhere.URL + `/x"}]}`), "names another place than itself"},
		"links to another host": {"GET /redfish/v1/Systems", text(`{"Members":[{"@odata.id":"//` + strings.TrimPrefix(elsewhere.URL, "http://") + `/x"}]}`), "names another place than itself"},
		"links with a user":     {"GET /redfish/v1/Systems", text(`{"Members":[{"@odata.id":"//op@` + strings.TrimPrefix(elsewhere.URL, "http://") + `/x"}]}`), "names another place than itself"},
		"redirects": {system, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}, "HTTP status 307"},
		"too large":              {system, text(strings.Repeat(" ", maxRedfish+1) + "{}"), "more than 1048576 bytes"},
		"no reset":               {system, text(`{"PowerState":"On"}`), "no action ComputerSystem.Reset"},
		"not allowed to":         {reset, refused(403, "The account lacks a privilege.", "None"), "HTTP status 403: The account lacks a privilege.: the account may not do that"},
		"not now":                {reset, refused(409, "The request failed due to an error in the\nresource\x1b[31m.", ""), "ResetType ForceRestart: POST /redfish/v1/Systems/437XR1138R2/Actions/ComputerSystem.Reset: HTTP status 409: The request failed due to an error in the resource[31m."},
		"no message":             {reset, status(500, "oops"), "HTTP status 500"},
		"only a general message": {reset, status(400, `{"error":{"message":"A general error."}}`), "HTTP status 400: A general error."},
		"pages without end":      {"GET /redfish/v1/Systems", text(`{"Members":[{"@odata.id":"/redfish/v1/Systems/A"}],"Members@odata.nextLink":"/redfish/v1/Systems"}`), "20 systems"},
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{answers: map[string]answerer{test.at: test.answer}}
			r, _ := serve(t, s)
			checkError(t, newControl(r, 0).Do(t.Context(), Reset), test.want)
			if len(s.sessions) != 0 {
				t.Errorf("%d sessions are left open, want none", len(s.sessions))
			}
		})
	}
}

func refused(status int, message, resolution string) answerer {
	return func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, "x", message, resolution) }
}

// Who the service is, and who asks it, has to be right.
func TestRedfishThatIsAnother(t *testing.T) {
	r, server := serve(t, &service{})
	pool := x509.NewCertPool()
	pool.AddCert(server.Certificate())
	for name, test := range map[string]struct {
		e    remote.Endpoint
		want string
	}{
		"another pin":       {remote.Endpoint{PinSHA256: strings.Repeat("0", 64)}, "another machine answers"},
		"unknown authority": {remote.Endpoint{}, "certificate"},
		"authority":         {remote.Endpoint{RootCAs: pool}, ""},
		"another name":      {remote.Endpoint{RootCAs: pool, ServerName: "bmc.invalid"}, "bmc.invalid"},
	} {
		t.Run(name, func(t *testing.T) {
			r := *r
			r.service.client = redfishClient(test.e)
			_, err := newControl(&r, 0).State(t.Context())
			checkError(t, err, test.want)
		})
	}
	wrong := *r
	wrong.service.password = "s3cret2"
	_, err := newControl(&wrong, 0).State(t.Context())
	checkError(t, err, "log on: POST /redfish/v1/SessionService/Sessions: HTTP status 401: There is no valid session established with the implementation. (Establish a session before attempting any operations.): see user and password_env")
	server.Close()
	_, err = newControl(r, 0).State(t.Context())
	checkError(t, err, "GET /redfish/v1/: dial tcp")
}

// A service that does not answer is not waited for longer than a step may take, or its controller wants to.
func TestRedfishThatHangs(t *testing.T) {
	release := make(chan struct{})
	s := &service{answers: map[string]answerer{"GET /redfish/v1/Systems": func(http.ResponseWriter, *http.Request) { <-release }}}
	r, _ := serve(t, s)
	t.Cleanup(func() { close(release) })
	_, err := newControl(r, 50*time.Millisecond).State(t.Context())
	checkError(t, err, "it took longer than 50ms to tell the state (raise within)")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(context.Canceled)
	if err := newControl(r, 0).Do(ctx, On); err == nil || !strings.Contains(err.Error(), "context canceled") {
		t.Errorf("got %v, want what ended it", err)
	}
}

// PowerState has words for what is between.
func TestRedfishState(t *testing.T) {
	for word, want := range map[string]vm.Power{"On": vm.On, "Off": vm.Off, "PoweringOn": vm.Unknown, "PoweringOff": vm.Unknown, "Paused": vm.Unknown, "x": vm.Unknown} {
		r, _ := serve(t, &service{power: word})
		if got, err := newControl(r, 0).State(t.Context()); got != want || err != nil {
			t.Errorf("%s: got %s, %v, want %s", word, got, err, want)
		}
	}
}

// FuzzRefusal: whatever a service answers, its refusal is a short line.
func FuzzRefusal(f *testing.F) {
	f.Add([]byte(`{"error":{"message":"m","@Message.ExtendedInfo":[{"Message":"a\nb","Resolution":"None"}]}}`), 400)
	f.Add([]byte("<html>"), 401)
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		w := httptest.NewRecorder()
		w.Body.Write(body)
		response := w.Result()
		response.StatusCode = status
		text := refusal(response).Error()
		if text == "" || len(text) > 2*maxMessages*320+200 || strings.ContainsAny(text, "\r\n\x1b\x00") {
			t.Errorf("got %q, want one short line", text)
		}
	})
}
