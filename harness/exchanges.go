package harness

import (
	"wskharness/recording"
	"wskharness/remote"
	"wskharness/results"
)

// clientOptions are those of a client of the guest's, which reports what it says where that is to be kept.
func (s *session) clientOptions() remote.Options {
	if s.exchanges == nil && s.run.plan.Request.Record {
		known := s.run.known.With(s.machine.Endpoint().Password)
		s.exchanges = recording.Start(s.run.env.disk(), s.folder(), known, func(text string) {
			s.run.notice(s.target.Name, results.Warning, "%s", text)
		})
	}
	return remote.Options{Logger: s.log, Owner: "wskharness " + s.run.id, Record: s.exchanges.Client()}
}
