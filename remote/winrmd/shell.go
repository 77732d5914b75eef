package winrmd

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"wskharness/remote/internal/wsman"
)

// shell is a shell that a client made.
type shell struct {
	server *Server
	id     string
	name   string
	owner  string
	ip     string
	dir    string
	env    []variable
	idle   time.Duration
	made   time.Time

	codepage  int
	noProfile bool

	life context.Context // of its commands
	end  context.CancelFunc

	mu       sync.Mutex
	commands map[string]*command // those as well that the host is starting
	gone     bool
	busy     int // requests being answered
	used     time.Time
	unwatch  func() bool // stops the idle timer
}

type variable struct{ name, value string }

// bounds of what one shell may be given
const (
	maxVariables = 1024
	maxName      = 1024
	cmdCodepage  = 437
	utf8Codepage = 65001
)

func (s *Server) createShell(ctx context.Context, r request, a *answer) *fault {
	sh, f := s.newShell(r)
	if f != nil {
		return f
	}
	if f := s.checkCodepage(ctx, sh.codepage); f != nil {
		return f
	}
	s.mu.Lock()
	if s.ended || s.down {
		s.mu.Unlock()
		return aborted()
	}
	if len(s.shells) >= s.opts.Limits.MaxShellsPerUser {
		s.mu.Unlock()
		return tooManyShells(s.opts.Limits.MaxShellsPerUser)
	}
	s.shells[sh.id] = sh
	s.mu.Unlock()
	sh.watch()
	s.log.Debug("shell created", "shell", sh.id, "name", sh.name)
	b := &a.body
	b.raw("<x:ResourceCreated>").element("a:Address", r.to).raw("<a:ReferenceParameters>")
	b.element("w:ResourceURI", wsman.ResourceCmd)
	b.raw(`<w:SelectorSet><w:Selector Name="ShellId">`).text(sh.id).raw("</w:Selector></w:SelectorSet></a:ReferenceParameters></x:ResourceCreated>")
	sh.write(b)
	return nil
}

// newShell reads what a client asks for.
func (s *Server) newShell(r request) (*shell, *fault) {
	body := r.env.Body.Child(wsman.NSShell, "Shell")
	if body == nil {
		return nil, invalidBody("it has no rsp:Shell")
	}
	now := s.opts.Clock.Now()
	sh := &shell{
		server: s, id: wsman.NewID(), owner: r.user, ip: r.clientIP, made: now, used: now,
		name:     body.Attr("", "Name"),
		dir:      body.Child(wsman.NSShell, "WorkingDirectory").Content(),
		idle:     s.opts.Limits.IdleTimeout,
		codepage: cmdCodepage,
		commands: make(map[string]*command),
	}
	if sh.name == "" {
		sh.name = body.Child(wsman.NSShell, "Name").Content()
	}
	if len(sh.name) > maxName || len(sh.dir) > 32<<10 {
		return nil, invalidBody("a name in it is too long")
	}
	if e := body.Child(wsman.NSShell, "IdleTimeOut"); e != nil {
		d, err := wsman.ParseDuration(e.Content())
		if err != nil || d <= 0 || d > s.opts.Limits.MaxIdleTimeout {
			return nil, invalidBody("its rsp:IdleTimeOut is not a duration up to " + wsman.FormatDuration(s.opts.Limits.MaxIdleTimeout))
		}
		sh.idle = d
	}
	for _, v := range body.Child(wsman.NSShell, "Environment").All(wsman.NSShell, "Variable") {
		name := v.Attr("", "Name")
		if name == "" || strings.ContainsAny(name+v.Text, "\x00") || len(sh.env) == maxVariables {
			return nil, invalidBody("a variable of its environment is not valid")
		}
		sh.env = append(sh.env, variable{name, v.Text})
	}
	var f *fault
	if sh.noProfile, f = r.flag(wsman.OptionNoProfile); f != nil {
		return nil, f
	}
	if text, ok := r.options[wsman.OptionCodepage]; ok {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return nil, invalidCodepage(text)
		}
		sh.codepage = int(n)
	}
	sh.life, sh.end = context.WithCancel(context.Background())
	return sh, nil
}

// checkCodepage refuses a code page that the host's consoles don't take. Commands that were given another one than
// was asked for would write what their client can't read.
func (s *Server) checkCodepage(ctx context.Context, codepage int) *fault {
	host, ok := s.opts.Host.(Consoles)
	if !ok {
		return nil
	}
	takes, err := host.TakesCodepage(ctx, codepage)
	if err != nil {
		s.log.Debug("whether consoles take a code page is not known", "codepage", codepage, "error", err)
		return nil
	}
	if !takes {
		return invalidCodepage(strconv.Itoa(codepage))
	}
	return nil
}

// write describes the shell as Windows does; the elements' order is that of the recordings.
func (sh *shell) write(b *markup) {
	sh.mu.Lock()
	used := sh.used
	sh.mu.Unlock()
	now := sh.server.opts.Clock.Now()
	b.raw(`<rsp:Shell xmlns:rsp="`, wsman.NSShell, `">`).element("rsp:ShellId", sh.id)
	if sh.name != "" {
		b.element("rsp:Name", sh.name)
	}
	b.element("rsp:ResourceUri", wsman.ResourceCmd).element("rsp:Owner", sh.owner).element("rsp:ClientIP", sh.ip)
	if len(sh.env) > 0 {
		b.raw("<rsp:Environment>")
		for _, v := range sh.env {
			b.raw(`<rsp:Variable Name="`).text(v.name).raw(`">`).text(v.value).raw("</rsp:Variable>")
		}
		b.raw("</rsp:Environment>")
	}
	if sh.dir != "" {
		b.element("rsp:WorkingDirectory", sh.dir)
	}
	b.element("rsp:IdleTimeOut", wsman.FormatDuration(sh.idle))
	b.element("rsp:InputStreams", "stdin").element("rsp:OutputStreams", "stdout stderr")
	b.element("rsp:ShellRunTime", longDuration(now.Sub(sh.made)))
	b.element("rsp:ShellInactivity", longDuration(now.Sub(used))).raw("</rsp:Shell>")
}

// longDuration is how Windows writes ages: P0DT0H0M0S.
func longDuration(d time.Duration) string {
	n := int64(d / time.Second)
	return fmt.Sprintf("P%dDT%dH%dM%dS", n/86400, n/3600%24, n/60%60, n%60)
}

// shell finds a shell.
func (s *Server) shell(id string) (*shell, *fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shells[id]
	if sh == nil {
		return nil, noShell(clip(id))
	}
	return sh, nil
}

// use keeps the shell from being idle until the function that it returns is called.
func (sh *shell) use() func() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	sh.busy++
	sh.used = sh.server.opts.Clock.Now()
	return func() {
		sh.mu.Lock()
		sh.busy--
		sh.used = sh.server.opts.Clock.Now()
		sh.mu.Unlock()
		sh.watch()
	}
}

// watch sets the idle timer anew.
func (sh *shell) watch() {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.unwatch != nil {
		sh.unwatch()
	}
	if sh.gone {
		return
	}
	sh.unwatch = sh.server.opts.Clock.AfterFunc(sh.idle, sh.expire)
}

// expire deletes the shell if it has been idle for long enough.
func (sh *shell) expire() {
	sh.mu.Lock()
	idle := sh.busy == 0 && sh.server.opts.Clock.Now().Sub(sh.used) >= sh.idle
	sh.mu.Unlock()
	if !idle {
		return
	}
	sh.server.log.Info("idle shell deleted", "shell", sh.id, "after", sh.idle)
	sh.server.drop(sh.id)
	sh.kill()
}

// drop takes a shell out of the list; nil if it is not there.
func (s *Server) drop(id string) *shell {
	s.mu.Lock()
	defer s.mu.Unlock()
	sh := s.shells[id]
	delete(s.shells, id)
	return sh
}

func (s *Server) deleteShell(ctx context.Context, r request, a *answer) *fault {
	sh := s.drop(r.shellID)
	if sh == nil {
		return noShell(clip(r.shellID))
	}
	sh.kill()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), killTimeout)
	defer cancel()
	sh.await(ctx)
	s.log.Debug("shell deleted", "shell", sh.id)
	return nil
}

// kill ends all commands of the shell, without waiting for them.
func (sh *shell) kill() {
	sh.mu.Lock()
	sh.gone = true
	if sh.unwatch != nil {
		sh.unwatch()
	}
	sh.mu.Unlock()
	sh.end()
}

// await waits until the commands of a killed shell are gone, or ctx is.
func (sh *shell) await(ctx context.Context) {
	sh.mu.Lock()
	var all []*command
	for _, c := range sh.commands {
		all = append(all, c)
	}
	sh.mu.Unlock()
	for _, c := range all {
		select {
		case <-c.finished:
		case <-ctx.Done():
			sh.server.log.Warn("a killed command is still there", "shell", sh.id, "command", c.id)
			return
		}
	}
}

// find finds a command.
func (sh *shell) find(id string) (*command, *fault) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	c := sh.commands[strings.ToUpper(id)]
	if c == nil {
		return nil, noCommand()
	}
	return c, nil
}

func (sh *shell) release(c *command) {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	delete(sh.commands, c.id)
}
