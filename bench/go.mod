module wskharness/bench

go 1.26.0
