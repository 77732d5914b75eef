/*
 * wskddk.h - Winsock Kernel (WSK), as a driver sees it.
 *
 * With Microsoft's WDK its own wsk.h is used. Other kits have none, so the types, tables and
 * constants of WSK version 1 are declared here from their documented names, offsets and sizes on
 * 64-bit Windows; the assertions at the end hold them to those numbers.
 *
 * Source: the WDK reference of wsk.h (ns-wsk-*, nc-wsk-*, nf-wsk-*) and the network driver guide.
 */
#pragma once

#include <ntddk.h>

#if defined(_MSC_VER)
#include <wsk.h>
#else

#include <stddef.h>

#if !defined(_WIN64)
#error "The layouts below are those of 64-bit Windows."
#endif

#define WSKAPI                         NTAPI

/* Socket addresses. The kit's user-mode headers can't be included beside ntddk.h. */
#define AF_UNSPEC                      0
#define AF_INET                        2
#define AF_INET6                       23
#define SOCK_STREAM                    1
#define SOCK_DGRAM                     2
#define IPPROTO_TCP                    6
#define IPPROTO_UDP                    17

typedef USHORT ADDRESS_FAMILY;

typedef struct sockaddr {
    ADDRESS_FAMILY sa_family;
    CHAR sa_data[14];
} SOCKADDR, *PSOCKADDR;

typedef struct in_addr {
    union {
        struct {
            UCHAR s_b1, s_b2, s_b3, s_b4;
        } S_un_b;
        ULONG S_addr;
    } S_un;
} IN_ADDR;

typedef struct sockaddr_in {
    ADDRESS_FAMILY sin_family;
    USHORT sin_port; /* network byte order */
    IN_ADDR sin_addr;
    CHAR sin_zero[8];
} SOCKADDR_IN, *PSOCKADDR_IN;

/* Registration */
#define MAKE_WSK_VERSION(Major, Minor) ((USHORT)((Major) << 8) | (USHORT)(UCHAR)(Minor))
#define WSK_MAJOR_VERSION(Version)     ((UCHAR)((Version) >> 8))
#define WSK_MINOR_VERSION(Version)     ((UCHAR)(Version))

#define WSK_NO_WAIT                0u
#define WSK_INFINITE_WAIT          0xffffffffu

typedef PVOID PWSK_CLIENT; /* opaque */

typedef NTSTATUS(WSKAPI *PFN_WSK_CLIENT_EVENT)(PVOID ClientContext, ULONG EventType, PVOID Information,
                                               SIZE_T InformationLength);

typedef struct _WSK_CLIENT_DISPATCH {
    USHORT Version;
    USHORT Reserved;
    PFN_WSK_CLIENT_EVENT WskClientEvent;
} WSK_CLIENT_DISPATCH, *PWSK_CLIENT_DISPATCH;

typedef struct _WSK_CLIENT_NPI {
    PVOID ClientContext;
    const WSK_CLIENT_DISPATCH *Dispatch;
} WSK_CLIENT_NPI, *PWSK_CLIENT_NPI;

typedef struct _WSK_REGISTRATION {
    ULONGLONG ReservedRegistrationState;
    PVOID ReservedRegistrationContext;
    KSPIN_LOCK ReservedRegistrationLock;
} WSK_REGISTRATION, *PWSK_REGISTRATION;

typedef struct _WSK_PROVIDER_CHARACTERISTICS {
    USHORT HighestVersion;
    USHORT LowestVersion;
} WSK_PROVIDER_CHARACTERISTICS, *PWSK_PROVIDER_CHARACTERISTICS;

/* Sockets */
#define WSK_FLAG_BASIC_SOCKET      0x00000000u
#define WSK_FLAG_LISTEN_SOCKET     0x00000001u
#define WSK_FLAG_CONNECTION_SOCKET 0x00000002u
#define WSK_FLAG_DATAGRAM_SOCKET   0x00000004u
#define WSK_FLAG_STREAM_SOCKET     0x00000008u

#define WSK_FLAG_ABORTIVE              0x00000001u /* WskDisconnect */

/* Control codes of WskControlClient */
#define WSK_TRANSPORT_LIST_QUERY       2u
#define WSK_TRANSPORT_LIST_CHANGE      3u
#define WSK_CACHE_SD                   4u
#define WSK_RELEASE_SD                 5u
#define WSK_TDI_DEVICENAME_MAPPING     6u
#define WSK_SET_STATIC_EVENT_CALLBACKS 7u
#define WSK_TDI_BEHAVIOR               8u
#define WSK_TDI_BEHAVIOR_BYPASS_TDI    1u

#define WSK_EVENT_SEND_BACKLOG 0x00000010u
#define WSK_EVENT_RECEIVE      0x00000040u
#define WSK_EVENT_DISCONNECT   0x00000080u
#define WSK_EVENT_RECEIVE_FROM 0x00000100u
#define WSK_EVENT_ACCEPT       0x00000200u
#define WSK_EVENT_DISABLE      0x80000000u

#define SO_WSK_SECURITY       0x4001u
#define SO_WSK_EVENT_CALLBACK 0x4002u

typedef enum { WskSetOption = 0, WskGetOption = 1, WskIoctl = 2 } WSK_CONTROL_SOCKET_TYPE;
typedef enum { WskInspectReject = 0, WskInspectAccept = 1, WskInspectPend = 2 } WSK_INSPECT_ACTION;

typedef struct _WSK_SOCKET {
    const VOID *Dispatch; /* one of the provider's tables below */
} WSK_SOCKET, *PWSK_SOCKET;

typedef struct _WSK_BUF {
    PMDL Mdl;
    ULONG Offset; /* into the first MDL */
    SIZE_T Length;
} WSK_BUF, *PWSK_BUF;

typedef struct _WSK_INSPECT_ID {
    ULONG_PTR Key;
    ULONG SerialNumber;
} WSK_INSPECT_ID, *PWSK_INSPECT_ID;

typedef struct _WSK_TRANSPORT {
    USHORT Version;
    USHORT SocketType;
    ULONG Protocol;
    ADDRESS_FAMILY AddressFamily;
    GUID ProviderId;
} WSK_TRANSPORT, *PWSK_TRANSPORT;

typedef struct _WSK_EVENT_CALLBACK_CONTROL {
    const GUID *NpiId;
    ULONG EventMask;
} WSK_EVENT_CALLBACK_CONTROL, *PWSK_EVENT_CALLBACK_CONTROL;

typedef struct _WSK_TDI_MAP {
    USHORT SocketType;
    ADDRESS_FAMILY AddressFamily;
    ULONG Protocol;
    PCWSTR TdiDeviceName;
} WSK_TDI_MAP, *PWSK_TDI_MAP;

typedef struct _WSK_TDI_MAP_INFO {
    ULONG ElementCount;
    const WSK_TDI_MAP *Map;
} WSK_TDI_MAP_INFO, *PWSK_TDI_MAP_INFO;

struct _WSK_DATA_INDICATION; /* opaque here */

/* Functions of a socket, by what they take */
typedef NTSTATUS(WSKAPI *PFN_WSK_CONTROL_SOCKET)(PWSK_SOCKET Socket, WSK_CONTROL_SOCKET_TYPE RequestType,
                                                 ULONG ControlCode, ULONG Level, SIZE_T InputSize,
                                                 PVOID InputBuffer, SIZE_T OutputSize, PVOID OutputBuffer,
                                                 SIZE_T *OutputSizeReturned, PIRP Irp);
typedef NTSTATUS(WSKAPI *PFN_WSK_CLOSE_SOCKET)(PWSK_SOCKET Socket, PIRP Irp);
/* Bind, Connect: Flags is reserved and 0. */
typedef NTSTATUS(WSKAPI *PFN_WSK_BIND)(PWSK_SOCKET Socket, PSOCKADDR Address, ULONG Flags, PIRP Irp);
typedef PFN_WSK_BIND PFN_WSK_CONNECT;
typedef NTSTATUS(WSKAPI *PFN_WSK_GET_LOCAL_ADDRESS)(PWSK_SOCKET Socket, PSOCKADDR Address, PIRP Irp);
typedef PFN_WSK_GET_LOCAL_ADDRESS PFN_WSK_GET_REMOTE_ADDRESS;
/* Send, Receive, Disconnect. Disconnect takes no buffer when it is abortive. */
typedef NTSTATUS(WSKAPI *PFN_WSK_SEND)(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags, PIRP Irp);
typedef PFN_WSK_SEND PFN_WSK_RECEIVE;
typedef PFN_WSK_SEND PFN_WSK_DISCONNECT;
typedef NTSTATUS(WSKAPI *PFN_WSK_RELEASE_DATA_INDICATION_LIST)(PWSK_SOCKET Socket,
                                                               struct _WSK_DATA_INDICATION *List);
typedef NTSTATUS(WSKAPI *PFN_WSK_CONNECT_EX)(PWSK_SOCKET Socket, PSOCKADDR Address, PWSK_BUF Buffer,
                                             ULONG Flags, PIRP Irp);
typedef NTSTATUS(WSKAPI *PFN_WSK_INSPECT_COMPLETE)(PWSK_SOCKET Socket, PWSK_INSPECT_ID Id,
                                                   WSK_INSPECT_ACTION Action, PIRP Irp);
typedef NTSTATUS(WSKAPI *PFN_WSK_SEND_TO)(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags, PSOCKADDR Remote,
                                          ULONG ControlLength, PVOID Control, PIRP Irp);
typedef NTSTATUS(WSKAPI *PFN_WSK_RECEIVE_FROM)(PWSK_SOCKET Socket, PWSK_BUF Buffer, ULONG Flags,
                                               PSOCKADDR Remote, PULONG ControlLength, PVOID Control,
                                               PULONG ControlFlags, PIRP Irp);

/* Callbacks of a client's connection-oriented sockets; unused ones are NULL. */
typedef struct _WSK_CLIENT_CONNECTION_DISPATCH {
    NTSTATUS(WSKAPI *WskReceiveEvent)
    (PVOID Context, ULONG Flags, struct _WSK_DATA_INDICATION *List, SIZE_T BytesIndicated,
     SIZE_T *BytesAccepted);
    NTSTATUS(WSKAPI *WskDisconnectEvent)(PVOID Context, ULONG Flags);
    NTSTATUS(WSKAPI *WskSendBacklogEvent)(PVOID Context, SIZE_T IdealBacklogSize);
} WSK_CLIENT_CONNECTION_DISPATCH, *PWSK_CLIENT_CONNECTION_DISPATCH;

typedef struct _WSK_CLIENT_LISTEN_DISPATCH {
    NTSTATUS(WSKAPI *WskAcceptEvent)
    (PVOID Context, ULONG Flags, PSOCKADDR Local, PSOCKADDR Remote, PWSK_SOCKET Accepted,
     PVOID *AcceptedContext, const WSK_CLIENT_CONNECTION_DISPATCH **AcceptedDispatch);
    WSK_INSPECT_ACTION(WSKAPI *WskInspectEvent)
    (PVOID Context, PSOCKADDR Local, PSOCKADDR Remote, PWSK_INSPECT_ID Id);
    NTSTATUS(WSKAPI *WskAbortEvent)(PVOID Context, PWSK_INSPECT_ID Id);
} WSK_CLIENT_LISTEN_DISPATCH, *PWSK_CLIENT_LISTEN_DISPATCH;

typedef NTSTATUS(WSKAPI *PFN_WSK_ACCEPT)(PWSK_SOCKET Socket, ULONG Flags, PVOID AcceptedContext,
                                         const WSK_CLIENT_CONNECTION_DISPATCH *AcceptedDispatch,
                                         PSOCKADDR Local, PSOCKADDR Remote, PIRP Irp);

/* The provider's tables */
typedef struct _WSK_PROVIDER_BASIC_DISPATCH {
    PFN_WSK_CONTROL_SOCKET WskControlSocket;
    PFN_WSK_CLOSE_SOCKET WskCloseSocket;
} WSK_PROVIDER_BASIC_DISPATCH, *PWSK_PROVIDER_BASIC_DISPATCH;

typedef struct _WSK_PROVIDER_LISTEN_DISPATCH {
    WSK_PROVIDER_BASIC_DISPATCH Basic;
    PFN_WSK_BIND WskBind;
    PFN_WSK_ACCEPT WskAccept;
    PFN_WSK_INSPECT_COMPLETE WskInspectComplete;
    PFN_WSK_GET_LOCAL_ADDRESS WskGetLocalAddress;
} WSK_PROVIDER_LISTEN_DISPATCH, *PWSK_PROVIDER_LISTEN_DISPATCH;

typedef struct _WSK_PROVIDER_CONNECTION_DISPATCH {
    WSK_PROVIDER_BASIC_DISPATCH Basic;
    PFN_WSK_BIND WskBind;
    PFN_WSK_CONNECT WskConnect;
    PFN_WSK_GET_LOCAL_ADDRESS WskGetLocalAddress;
    PFN_WSK_GET_REMOTE_ADDRESS WskGetRemoteAddress;
    PFN_WSK_SEND WskSend;
    PFN_WSK_RECEIVE WskReceive;
    PFN_WSK_DISCONNECT WskDisconnect;
    PFN_WSK_RELEASE_DATA_INDICATION_LIST WskRelease;
    PFN_WSK_CONNECT_EX WskConnectEx;
    PVOID Reserved[2]; /* SendEx, ReceiveEx */
} WSK_PROVIDER_CONNECTION_DISPATCH, *PWSK_PROVIDER_CONNECTION_DISPATCH;

typedef struct _WSK_PROVIDER_DATAGRAM_DISPATCH {
    WSK_PROVIDER_BASIC_DISPATCH Basic;
    PFN_WSK_BIND WskBind;
    PFN_WSK_SEND_TO WskSendTo;
    PFN_WSK_RECEIVE_FROM WskReceiveFrom;
    PFN_WSK_RELEASE_DATA_INDICATION_LIST WskRelease;
    PFN_WSK_GET_LOCAL_ADDRESS WskGetLocalAddress;
    PVOID WskSendMessages; /* Windows 8 and later */
} WSK_PROVIDER_DATAGRAM_DISPATCH, *PWSK_PROVIDER_DATAGRAM_DISPATCH;

/* The client object's own table. The last three are there since Windows 7. */
typedef struct _WSK_PROVIDER_DISPATCH {
    USHORT Version;
    USHORT Reserved;
    NTSTATUS(WSKAPI *WskSocket)
    (PWSK_CLIENT Client, ADDRESS_FAMILY Family, USHORT Type, ULONG Protocol, ULONG Flags, PVOID Context,
     const VOID *Dispatch, PEPROCESS Process, PETHREAD Thread, PSECURITY_DESCRIPTOR SecurityDescriptor,
     PIRP Irp);
    NTSTATUS(WSKAPI *WskSocketConnect)
    (PWSK_CLIENT Client, USHORT Type, ULONG Protocol, PSOCKADDR Local, PSOCKADDR Remote, ULONG Flags,
     PVOID Context, const WSK_CLIENT_CONNECTION_DISPATCH *Dispatch, PEPROCESS Process, PETHREAD Thread,
     PSECURITY_DESCRIPTOR SecurityDescriptor, PIRP Irp);
    NTSTATUS(WSKAPI *WskControlClient)
    (PWSK_CLIENT Client, ULONG ControlCode, SIZE_T InputSize, PVOID InputBuffer, SIZE_T OutputSize,
     PVOID OutputBuffer, SIZE_T *OutputSizeReturned, PIRP Irp);
    PVOID WskGetAddressInfo; /* name resolution: not called by this project */
    PVOID WskFreeAddressInfo;
    PVOID WskGetNameInfo;
} WSK_PROVIDER_DISPATCH, *PWSK_PROVIDER_DISPATCH;

typedef struct _WSK_PROVIDER_NPI {
    PWSK_CLIENT Client;
    const WSK_PROVIDER_DISPATCH *Dispatch;
} WSK_PROVIDER_NPI, *PWSK_PROVIDER_NPI;

/* How the five are linked; who provides them says that it exports them, before it includes this. */
#if !defined(WSK_LINKAGE)
#define WSK_LINKAGE
#endif

WSK_LINKAGE NTSTATUS WSKAPI WskRegister(PWSK_CLIENT_NPI WskClientNpi, PWSK_REGISTRATION WskRegistration);
WSK_LINKAGE VOID WSKAPI WskDeregister(PWSK_REGISTRATION WskRegistration);
WSK_LINKAGE NTSTATUS WSKAPI WskCaptureProviderNPI(PWSK_REGISTRATION WskRegistration, ULONG WaitTimeout,
                                                  PWSK_PROVIDER_NPI WskProviderNpi);
WSK_LINKAGE VOID WSKAPI WskReleaseProviderNPI(PWSK_REGISTRATION WskRegistration);
WSK_LINKAGE NTSTATUS WSKAPI WskQueryProviderCharacteristics(PWSK_REGISTRATION WskRegistration,
                                                            PWSK_PROVIDER_CHARACTERISTICS Characteristics);

#define WSK_SIZE(Type, Size)           _Static_assert(sizeof(Type) == (Size), #Type)
#define WSK_OFFSET(Type, Field, Where) _Static_assert(offsetof(Type, Field) == (Where), #Type "." #Field)

WSK_SIZE(SOCKADDR_IN, 16);
WSK_SIZE(WSK_CLIENT_DISPATCH, 16);
WSK_OFFSET(WSK_CLIENT_DISPATCH, WskClientEvent, 8);
WSK_SIZE(WSK_CLIENT_NPI, 16);
WSK_OFFSET(WSK_CLIENT_NPI, Dispatch, 8);
WSK_SIZE(WSK_REGISTRATION, 24);
WSK_OFFSET(WSK_REGISTRATION, ReservedRegistrationContext, 8);
WSK_OFFSET(WSK_REGISTRATION, ReservedRegistrationLock, 16);
WSK_SIZE(WSK_PROVIDER_NPI, 16);
WSK_SIZE(WSK_PROVIDER_CHARACTERISTICS, 4);
WSK_OFFSET(WSK_PROVIDER_CHARACTERISTICS, LowestVersion, 2);
WSK_SIZE(WSK_PROVIDER_DISPATCH, 56);
WSK_OFFSET(WSK_PROVIDER_DISPATCH, WskSocket, 8);
WSK_OFFSET(WSK_PROVIDER_DISPATCH, WskControlClient, 24);
WSK_OFFSET(WSK_PROVIDER_DISPATCH, WskGetAddressInfo, 32);
WSK_SIZE(WSK_SOCKET, 8);
WSK_SIZE(WSK_BUF, 24);
WSK_OFFSET(WSK_BUF, Offset, 8);
WSK_OFFSET(WSK_BUF, Length, 16);
WSK_SIZE(WSK_TRANSPORT, 28);
WSK_OFFSET(WSK_TRANSPORT, ProviderId, 12);
WSK_SIZE(WSK_EVENT_CALLBACK_CONTROL, 16);
WSK_SIZE(WSK_TDI_MAP, 16);
WSK_SIZE(WSK_TDI_MAP_INFO, 16);
WSK_SIZE(WSK_INSPECT_ID, 16);
WSK_SIZE(WSK_PROVIDER_BASIC_DISPATCH, 16);
WSK_SIZE(WSK_PROVIDER_LISTEN_DISPATCH, 48);
WSK_OFFSET(WSK_PROVIDER_LISTEN_DISPATCH, WskGetLocalAddress, 40);
WSK_SIZE(WSK_PROVIDER_CONNECTION_DISPATCH, 104);
WSK_OFFSET(WSK_PROVIDER_CONNECTION_DISPATCH, WskSend, 48);
WSK_OFFSET(WSK_PROVIDER_CONNECTION_DISPATCH, WskConnectEx, 80);
WSK_SIZE(WSK_PROVIDER_DATAGRAM_DISPATCH, 64);
WSK_SIZE(WSK_CLIENT_LISTEN_DISPATCH, 24);
WSK_SIZE(WSK_CLIENT_CONNECTION_DISPATCH, 24);

#undef WSK_SIZE
#undef WSK_OFFSET
#endif
