/*
 * defects.h - the ways in which the model can be built broken.
 *
 * A suite that never saw a provider break a rule proves nothing: built with -DWSKMODEL_DEFECT=<one of
 * these> the model breaks one, and the suites must notice. A defect is two lines here and a few where
 * the rule is kept: if (DEFECT(NAME)) ..., which the compiler drops from every other build.
 */
#pragma once

#define WSKMODEL_DEFECT_NONE 0
/* WskDeregister returns at once, whatever is captured. */
#define WSKMODEL_DEFECT_NO_WAIT 1
/* A capture succeeds whatever version the client has. */
#define WSKMODEL_DEFECT_NO_VERSION_CHECK 2
/* A capture that may wait for some milliseconds does not wait. */
#define WSKMODEL_DEFECT_TIMEOUT_IGNORED 3
/* WskDeregister waits for captures, but not for sockets. */
#define WSKMODEL_DEFECT_SOCKETS_NOT_AWAITED 4
/* WskDeregister does not cancel a WSK_TRANSPORT_LIST_CHANGE. */
#define WSKMODEL_DEFECT_CHANGE_NOT_CANCELLED 5
/* IoCancelIrp does nothing for what is pending on a socket. */
#define WSKMODEL_DEFECT_NOT_CANCELABLE 6
/* Every 500th capture fails with STATUS_DEVICE_NOT_READY. */
#define WSKMODEL_DEFECT_RARE_REFUSAL 40

#if !defined(WSKMODEL_DEFECT)
#define WSKMODEL_DEFECT WSKMODEL_DEFECT_NONE
#endif

#define DEFECT(Name) (WSKMODEL_DEFECT == WSKMODEL_DEFECT_##Name)
