module wskharness

go 1.26
