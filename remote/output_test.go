package remote

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
)

func piece(stream, size int) received {
	var r received
	r.data[stream] = bytes.Repeat([]byte{'x'}, size)
	return r
}

// may says what asking for more would do now: go on, wait, or fail.
func may(o *outputs) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	full, unread := o.full()
	switch {
	case full < 0:
		return "go on"
	case unread:
		return "fail"
	}
	return "wait"
}

func TestBackPressure(t *testing.T) {
	read := func(which, size int) func(*outputs) {
		return func(o *outputs) { io.ReadFull(outputReader{o, which, nil}, make([]byte, size)) }
	}
	deliver := func(which, size int) func(*outputs) { return func(o *outputs) { o.deliver(piece(which, size)) } }
	wait := func(o *outputs) { o.expectEnd(1) }
	starve := func(which int) func(*outputs) {
		return func(o *outputs) { o.stream[which].readers, o.stream[which].touched = 1, true }
	}
	for _, test := range []struct {
		name  string
		steps []func(*outputs)
		want  string
	}{
		{"nothing yet", nil, "go on"},
		{"little of both", []func(*outputs){deliver(stdout, 1000), deliver(stderr, 1000)}, "go on"},
		{"one output full", []func(*outputs){deliver(stdout, softLimit)}, "wait"},
		{"full and read again", []func(*outputs){deliver(stdout, softLimit), read(stdout, 1)}, "go on"},
		{"the other one starves", []func(*outputs){deliver(stderr, softLimit), starve(stdout)}, "go on"},
		{"the other one has something", []func(*outputs){deliver(stderr, softLimit), deliver(stdout, 1), starve(stdout)}, "wait"},
		{"starving for something nobody reads", []func(*outputs){deliver(stderr, hardLimit), starve(stdout)}, "fail"},
		{"starving for something slow", []func(*outputs){deliver(stderr, hardLimit+1), read(stderr, 1), starve(stdout)}, "wait"},
		{"waiting for the end", []func(*outputs){deliver(stdout, softLimit), wait}, "go on"},
		{"waiting for the end of what is read", []func(*outputs){deliver(stdout, softLimit+1), read(stdout, 1), wait}, "wait"},
		{"waiting for the end of too much", []func(*outputs){deliver(stdout, hardLimit), wait}, "fail"},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := newOutputs()
			for _, step := range test.steps {
				step(o)
			}
			if got := may(o); got != test.want {
				t.Errorf("asking for more would %s, want %s", got, test.want)
			}
		})
	}
}

func TestUnreadOutputIsAnError(t *testing.T) {
	o := newOutputs()
	o.deliver(piece(stderr, hardLimit))
	o.expectEnd(1)
	if err := o.room(); !errors.Is(err, ErrUnread) || !strings.Contains(err.Error(), "standard error") {
		t.Errorf("got %v, want ErrUnread that names the output", err)
	}
}

// Whatever changes must wake who waits for it: in the bubble, a sleeper that nobody wakes is a
// deadlock, which is reported at once.
func TestOutputsWake(t *testing.T) {
	for name, wake := range map[string]func(*outputs){
		"a reader empties it":     func(o *outputs) { outputReader{o, stdout, nil}.Read(make([]byte, softLimit)) },
		"somebody waits":          func(o *outputs) { o.expectEnd(1) },
		"the command was stopped": func(o *outputs) { o.finish(errors.New("stop")) },
		"the other output starves": func(o *outputs) {
			go outputReader{o, stderr, func(err error) error { return err }}.Read(make([]byte, 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := newOutputs()
				o.deliver(piece(stdout, softLimit))
				done := make(chan error)
				go func() { done <- o.room() }()
				synctest.Wait()
				select {
				case err := <-done:
					t.Fatalf("did not wait: %v", err)
				default:
				}
				wake(o)
				<-done
				o.finish(nil)
			})
		})
	}
}

func TestReadersWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := newOutputs()
		type outcome struct {
			data string
			err  error
		}
		read := func(which int) chan outcome {
			c := make(chan outcome)
			go func() {
				data, err := io.ReadAll(outputReader{o, which, func(err error) error { return err }})
				c <- outcome{string(data), err}
			}()
			synctest.Wait()
			return c
		}
		out, errs := read(stdout), read(stderr)
		o.deliver(piece(stdout, 3))
		o.deliver(received{data: [2][]byte{[]byte("yz"), nil}, end: [2]bool{true, false}})
		if got := <-out; got != (outcome{"xxxyz", nil}) {
			t.Errorf("standard output %v", got)
		}
		stop := errors.New("stop")
		o.finish(stop)
		if got := <-errs; got != (outcome{"", stop}) {
			t.Errorf("standard error %v", got)
		}
		o.finish(nil)
		if _, err := (outputReader{o, stderr, func(err error) error { return err }}).Read(make([]byte, 1)); err != stop {
			t.Errorf("the first end did not stay: %v", err)
		}
	})
}
