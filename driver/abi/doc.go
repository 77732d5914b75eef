// Package abi has the numbers, and the structures that Go encodes, of driver/include/wskabi.h (between driver, agent and
// controller) and wskplan.h (the plan file), under names that are made of those in the headers: WSKT_OP_JOIN is OpJoin, WSKP_OP_RUN is
// PlanOpRun, WSKT_V_SOCKET_CALL is ValueSocketCall, and WSKP_CASE is PlanCase. encoding/binary writes the structures as the
// C side lays them out, little-endian and without padding.
//
// abi.go is generated: after a change of a header run go generate ./driver/abi.
package abi

//go:generate go run ./internal/generate ../../driver/include abi.go
