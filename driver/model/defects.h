/*
 * defects.h - the ways in which the model can be built broken.
 *
 * A suite that never saw a provider break a rule proves nothing: built with -DWSKMODEL_DEFECT=<one of
 * these> the model breaks one, and the suites must notice. A defect is what is below, and a few words in the
 * seam of the rule that it breaks (seams.h, callseams.h). Its comment ends with the cases of which one has
 * to catch it; `make mutants` reads that (docs/mutants.md).
 */
#pragma once

#define WSKMODEL_DEFECT_NONE 0

/* Registration and deregistration */

/* WskRegister keeps the address of the WSK_CLIENT_NPI and reads it later. Caught by registration.stack_npi
 * (bugcheck); lifecycle.* may bugcheck. */
#define WSKMODEL_DEFECT_NPI_READ_LATE 1
/* WskRegister refuses a client while there is another one. Caught by registration.two_blocks. */
#define WSKMODEL_DEFECT_SECOND_REFUSED 2
/* WskRegister refuses a block that is neither all zero nor as WskDeregister has left it. Caught by
 * registration.garbage_block. */
#define WSKMODEL_DEFECT_BLOCK_READ 3
/* WskRegister calls the client's WskClientEvent. Caught by registration.client_event. */
#define WSKMODEL_DEFECT_EVENT_CALLED 4
/* WskDeregister does not free what WskRegister allocated. Caught by registration.reuse_block_memory. */
#define WSKMODEL_DEFECT_LEAK_REGISTRATION 5
/* WskDeregister returns at once, whatever is captured. Caught by capture.deregister_waits_one. */
#define WSKMODEL_DEFECT_NO_WAIT 6
/* WskDeregister returns at the first release, whatever else is captured. Caught by
 * capture.deregister_waits_n. */
#define WSKMODEL_DEFECT_FIRST_RELEASE 7
/* WskDeregister waits for the captures of other clients, too. Caught by capture.independent_clients. */
#define WSKMODEL_DEFECT_OTHERS_AWAITED 8
/* WskDeregister waits for captures, but not for sockets. Caught by lifecycle.deregister_waits_socket. */
#define WSKMODEL_DEFECT_SOCKETS_NOT_AWAITED 9
/* WskDeregister does not cancel a WSK_TRANSPORT_LIST_CHANGE. Caught by lifecycle.transport_change_cancel. */
#define WSKMODEL_DEFECT_CHANGE_NOT_CANCELLED 10
/* WskDeregister does not wake the captures that wait for a provider. Caught by capture.cancel_waiter
 * (hang); capture.cancel_waiters, lifecycle.worker_cancelled may hang. */
#define WSKMODEL_DEFECT_WAITER_NOT_CANCELLED 11
/* WskDeregister cancels the waiting captures of every client. Caught by capture.cancel_waiters. */
#define WSKMODEL_DEFECT_ALL_CANCELLED 12

/* Capture and release */

/* A capture succeeds after WskDeregister has returned. Caught by capture.after_deregister. */
#define WSKMODEL_DEFECT_CAPTURE_AFTER 13
/* A capture succeeds while WskDeregister waits. Caught by capture.during_deregister. */
#define WSKMODEL_DEFECT_CAPTURE_DURING 14
/* A release that is not the last one is not counted. Caught by capture.repeat (hang); capture.* may hang. */
#define WSKMODEL_DEFECT_RELEASE_LOST 15
/* Each capture allocates a little that no release frees. Caught by capture.memory. */
#define WSKMODEL_DEFECT_LEAK_CAPTURE 16
/* The client in the NPI is NULL. Caught by capture.no_wait. */
#define WSKMODEL_DEFECT_CLIENT_NULL 17
/* The client in the NPI is a pointer to something else. Caught by sockets.listen. */
#define WSKMODEL_DEFECT_CLIENT_WRONG 18
/* All clients get the client object of the first that registered. Caught by
 * lifecycle.socket_of_its_client. */
#define WSKMODEL_DEFECT_CLIENT_SHARED 19
/* The provider dispatch lacks the functions of Windows 7. Caught by capture.slots_win7. */
#define WSKMODEL_DEFECT_SLOTS_MISSING 20
/* The provider dispatch has no WskSocketConnect. Caught by capture.no_wait; sockets.socket_connect may
 * bugcheck. */
#define WSKMODEL_DEFECT_CONNECT_MISSING 21

/* Waiting for a provider that is not ready */

/* A capture that may wait for some milliseconds does not wait. Caught by capture.timed_not_ready. */
#define WSKMODEL_DEFECT_TIMEOUT_IGNORED 22
/* It waits for half the time. Caught by capture.timed_not_ready. */
#define WSKMODEL_DEFECT_TIMEOUT_SHORT 23
/* It counts milliseconds as clock ticks of 15.6 ms. Caught by capture.timed_not_ready. */
#define WSKMODEL_DEFECT_TIMEOUT_LONG 24
/* It waits without a limit. Caught by capture.timed_not_ready. */
#define WSKMODEL_DEFECT_TIMEOUT_INFINITE 25
/* It waits until its time is up, even when the provider becomes ready. Caught by
 * capture.timed_becomes_ready. */
#define WSKMODEL_DEFECT_READY_MISSED 26
/* Of several captures that wait, only one is woken when the provider becomes ready. Caught by
 * capture.all_waiters_wake. */
#define WSKMODEL_DEFECT_WAKES_ONE 27
/* A capture with WSK_NO_WAIT waits for four seconds. Caught by capture.no_wait_not_ready. */
#define WSKMODEL_DEFECT_NO_WAIT_WAITS 28

/* Versions */

/* A capture succeeds whatever version the client has. Caught by capture.nointerface. */
#define WSKMODEL_DEFECT_NO_VERSION_CHECK 29
/* A version below the provider's lowest is taken for supported. Caught by negotiation.reregister_range. */
#define WSKMODEL_DEFECT_LOWEST_UNCHECKED 30
/* Only the major version is checked. Caught by negotiation.range_above. */
#define WSKMODEL_DEFECT_MINOR_UNCHECKED 31
/* The provider's highest version is refused with STATUS_NOINTERFACE. Caught by capture.minor_one. */
#define WSKMODEL_DEFECT_HIGHEST_REFUSED 32
/* A capture waits for a version that the provider does not have. Caught by capture.nointerface_infinite. */
#define WSKMODEL_DEFECT_VERSION_AWAITED 33
/* The version is refused before the provider is ready. Caught by negotiation.not_ready_first. */
#define WSKMODEL_DEFECT_VERSION_EARLY 34
/* The provider dispatch says version 1.0, whatever the provider's is. Caught by negotiation.range_highest. */
#define WSKMODEL_DEFECT_VERSION_REPORTED 35
/* The provider dispatch says another major version than the client's. Caught by capture.version. */
#define WSKMODEL_DEFECT_MAJOR_REPORTED 36
/* The query swaps the lowest and the highest version. Caught by negotiation.reregister,
 * negotiation.query_after_ok. */
#define WSKMODEL_DEFECT_QUERY_SWAPPED 37
/* The query fails until something has been captured, after STATUS_NOINTERFACE as well. Caught by
 * negotiation.query_after_noi. */
#define WSKMODEL_DEFECT_QUERY_REFUSED 38
/* The query tells a range before the provider is ready. Caught by negotiation.query_not_ready. */
#define WSKMODEL_DEFECT_QUERY_EARLY 39

/* Sockets */

/* WskSocket without an IRP says STATUS_SUCCESS. Caught by sockets.null_irp. */
#define WSKMODEL_DEFECT_NULL_IRP_TAKEN 40
/* WskSocket does not know basic sockets. Caught by sockets.basic. */
#define WSKMODEL_DEFECT_BASIC_MISSING 41
/* WskBind binds a listening socket of a datagram protocol. Caught by sockets.bind_udp_listen. */
#define WSKMODEL_DEFECT_BINDS_DATAGRAM 42
/* WskGetLocalAddress succeeds before the socket is bound. Caught by sockets.local_address_unbound. */
#define WSKMODEL_DEFECT_ADDRESS_UNBOUND 43
/* WskGetLocalAddress succeeds, and writes no address. Caught by sockets.local_address. */
#define WSKMODEL_DEFECT_ADDRESS_EMPTY 44
/* WskGetRemoteAddress succeeds, and writes no address. Caught by sockets.remote_address. */
#define WSKMODEL_DEFECT_REMOTE_EMPTY 45
/* WskGetLocalAddress tells another port than the one that the socket is bound to. Caught by
 * sockets.local_address. */
#define WSKMODEL_DEFECT_ADDRESS_OTHER 73
/* WskGetRemoteAddress tells the socket's own address. Caught by sockets.remote_address. */
#define WSKMODEL_DEFECT_REMOTE_LOCAL 74
/* A listening socket can't be used after its client has released the NPI. Caught by
 * lifecycle.socket_outlives_release; lifecycle.echo_user_mode, lifecycle.echo_other_program may hang. */
#define WSKMODEL_DEFECT_SOCKET_NEEDS_NPI 46
/* IoCancelIrp does nothing for what is pending on a socket. Caught by sockets.cancel_accept. */
#define WSKMODEL_DEFECT_NOT_CANCELABLE 47
/* WskCloseSocket waits for what is pending instead of cancelling it. Caught by
 * sockets.close_pending_accept; lifecycle.* may hang. */
#define WSKMODEL_DEFECT_CLOSE_WAITS 48
/* What WskCloseSocket cancels does not end with STATUS_CANCELLED. Caught by sockets.close_pending_accept. */
#define WSKMODEL_DEFECT_CANCEL_STATUS 49
/* The IRP of WskDisconnect is never completed. Caught by sockets.disconnect;
 * lifecycle.echo_user_mode, lifecycle.echo_other_program may hang. */
#define WSKMODEL_DEFECT_IRP_KEPT 50
/* WskSocket completes the IRP of a connection socket twice. Caught by sockets.connection. */
#define WSKMODEL_DEFECT_IRP_TWICE 51
/* The IRP's Information of a transfer is not the number of bytes. Caught by sockets.loopback_echo. */
#define WSKMODEL_DEFECT_WRONG_INFORMATION 52
/* The offset of a WSK_BUF is ignored. Caught by sockets.buffer_offset. */
#define WSKMODEL_DEFECT_OFFSET_IGNORED 75
/* WskReceive fills all that the MDL describes, whatever the length of the WSK_BUF. Caught by
 * sockets.receive_part. */
#define WSKMODEL_DEFECT_LENGTH_IGNORED 76
/* WskAccept wants both addresses. Caught by sockets.accept_no_addresses; lifecycle.echo_user_mode,
 * lifecycle.echo_other_program may hang. */
#define WSKMODEL_DEFECT_ADDRESSES_NEEDED 77
/* WskConnect takes a socket that is not bound. Caught by sockets.connect_unbound. */
#define WSKMODEL_DEFECT_CONNECTS_UNBOUND 53
/* The list of transports has no UDP in it. Caught by sockets.transport_list. */
#define WSKMODEL_DEFECT_LIST_SHORT 54
/* The accept event is enabled, but never delivered. Caught by sockets.accept_event. */
#define WSKMODEL_DEFECT_EVENT_LOST 55
/* WSK_SET_STATIC_EVENT_CALLBACKS succeeds, and enables nothing. Caught by sockets.accept_static. */
#define WSKMODEL_DEFECT_STATIC_IGNORED 56
/* A connection that WskAcceptEvent rejected is not closed. Caught by sockets.accept_reject (hang);
 * sockets.disable_event_pending may hang. */
#define WSKMODEL_DEFECT_REJECTED_KEPT 57
/* Disabling an event in its callback says STATUS_SUCCESS. Caught by sockets.disable_event_pending. */
#define WSKMODEL_DEFECT_EVENT_NOT_PENDING 58

/* A block that is registered anew */

/* WskRegister refuses a block that is as WskDeregister has left it. Caught by registration.reuse_block. */
#define WSKMODEL_DEFECT_BLOCK_LEFT_REFUSED 60
/* WskRegister refuses a block that was registered before, unless it is as WskDeregister has left it. Caught
 * by registration.reuse_block_zeroed. */
#define WSKMODEL_DEFECT_BLOCK_REMEMBERED 61
/* A block that is registered anew, and was not cleared, keeps the version that it had. Caught by
 * negotiation.same_block. */
#define WSKMODEL_DEFECT_VERSION_KEPT 62
/* A block of which a capture was refused with STATUS_NOINTERFACE has all later ones refused, until it is
 * cleared. Caught by negotiation.same_block. */
#define WSKMODEL_DEFECT_REFUSAL_KEPT 63

/* The range of versions, and what is served */

/* The query says a lowest version below the one that is served. Caught by negotiation.register_lowest. */
#define WSKMODEL_DEFECT_RANGE_LOW 64
/* The query says a highest version above the one that is served. Caught by negotiation.register_highest. */
#define WSKMODEL_DEFECT_RANGE_HIGH 65
/* A version between the lowest and the highest is not served. Caught by negotiation.register_wide. */
#define WSKMODEL_DEFECT_BETWEEN_REFUSED 66
/* The query leaves out the highest version that is served. Caught by negotiation.register_above. */
#define WSKMODEL_DEFECT_RANGE_SHORT 67
/* The query leaves out the lowest version that is served. Caught by negotiation.register_below. */
#define WSKMODEL_DEFECT_RANGE_LATE 68

/* What a client's variables have in them */

/* A capture refuses a WSK_PROVIDER_NPI that is not zero. Caught by capture.no_wait. */
#define WSKMODEL_DEFECT_NPI_READ 69
/* The query writes the lowest version only where there is a zero. Caught by negotiation.query_after_ok. */
#define WSKMODEL_DEFECT_RANGE_READ 70
/* WskRegister writes to the client's dispatch table. Caught by registration.table_kept. */
#define WSKMODEL_DEFECT_TABLE_WRITTEN 71
/* WskGetLocalAddress completes an IRP that succeeds without a status in it. Caught by sockets.local_address.
 */
#define WSKMODEL_DEFECT_STATUS_UNWRITTEN 72

/* Under load */

/* Every 500th capture fails with STATUS_DEVICE_NOT_READY. Caught by stress.capture_release. */
#define WSKMODEL_DEFECT_RARE_REFUSAL 59

#if !defined(WSKMODEL_DEFECT)
#define WSKMODEL_DEFECT WSKMODEL_DEFECT_NONE
#endif

#define DEFECT(Name) (WSKMODEL_DEFECT == WSKMODEL_DEFECT_##Name)
