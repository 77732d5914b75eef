package qmp

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
)

// job is one that somebody waits for.
type job struct{ concluded chan struct{} }

// follow notes what becomes of jobs.
func (m *Monitor) follow(e Event) {
	if e.Name != "JOB_STATUS_CHANGE" {
		return
	}
	var change struct {
		ID     string `json:"id"`
		Status string `json:"status"`
	}
	if json.Unmarshal(e.Data, &change) != nil || change.Status != "concluded" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if j := m.watched[change.ID]; j != nil {
		delete(m.watched, change.ID)
		close(j.concluded)
	}
}

// JobError is a job that QEMU has begun, and that failed.
type JobError struct {
	Command string
	Desc    string
}

func (e *JobError) Error() string { return fmt.Sprintf("QEMU's %s failed: %s", e.Command, e.Desc) }

// Job runs a command that makes a job, such as snapshot-save, with a job-id of its own beside the arguments, and waits for the
// job's end. A job that fails is a *JobError, a command that QEMU refuses a *CommandError. Where ctx ends first the job goes on: not
// all can be cancelled.
func (m *Monitor) Job(ctx context.Context, command string, arguments map[string]any) error {
	m.mu.Lock()
	m.jobs++
	id := "job" + strconv.FormatUint(m.jobs, 10)
	j := &job{concluded: make(chan struct{})}
	m.watched[id] = j
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.watched, id)
	}()
	with := maps.Clone(arguments)
	if with == nil {
		with = map[string]any{}
	}
	with["job-id"] = id
	if err := m.Run(ctx, command, with, nil); err != nil {
		return err
	}
	select {
	case <-j.concluded:
	case <-ctx.Done():
		return fmt.Errorf("wait for the end of QEMU's %s: %w", command, context.Cause(ctx))
	case <-m.ended:
		return fmt.Errorf("wait for the end of QEMU's %s: %w", command, m.failure())
	}
	var all []struct {
		ID    string `json:"id"`
		Error string `json:"error"`
	}
	if err := m.Run(ctx, "query-jobs", nil, &all); err != nil {
		return err
	}
	for _, one := range all {
		if one.ID != id {
			continue
		}
		if err := m.Run(ctx, "job-dismiss", map[string]any{"id": id}, nil); err != nil {
			return err
		}
		if one.Error != "" {
			return &JobError{Command: command, Desc: one.Error}
		}
		return nil
	}
	return fmt.Errorf("QEMU has forgotten how its %s ended", command)
}
