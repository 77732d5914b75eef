/*
 * ntddk.h - as much of the kernel as the files of the driver need that are tested on this machine: types,
 * spin locks and events over threads of POSIX. Not for drivers.
 */
#pragma once

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define VOID void
#define NTAPI
#define TRUE  1
#define FALSE 0

#define _IRQL_requires_max_(Irql)
#define _IRQL_requires_(Irql)
#define _Must_inspect_result_

typedef void *PVOID;
typedef uint8_t UINT8;
typedef uint16_t UINT16;
typedef uint32_t UINT32, ULONG;
typedef uint64_t UINT64;
typedef int32_t INT32, LONG, NTSTATUS;
typedef unsigned char BOOLEAN;
typedef size_t SIZE_T;
typedef char CCHAR;
typedef struct IRP *PIRP;
typedef struct MDL *PMDL;
typedef unsigned char KIRQL, *PKIRQL;

#define STATUS_SUCCESS                ((NTSTATUS)0)
#define STATUS_TIMEOUT                ((NTSTATUS)0x102)
#define STATUS_IO_TIMEOUT             ((NTSTATUS)0xC00000B5)
#define STATUS_INVALID_PARAMETER      ((NTSTATUS)0xC000000D)
#define STATUS_NOT_FOUND              ((NTSTATUS)0xC0000225)
#define STATUS_INFO_LENGTH_MISMATCH   ((NTSTATUS)0xC0000004)
#define STATUS_REVISION_MISMATCH      ((NTSTATUS)0xC0000059)
#define STATUS_BUFFER_TOO_SMALL       ((NTSTATUS)0xC0000023)
#define STATUS_INSUFFICIENT_RESOURCES ((NTSTATUS)0xC000009A)
#define NT_SUCCESS(Status)            ((NTSTATUS)(Status) >= 0)

#define FIELD_OFFSET(Type, Field)      ((LONG)offsetof(Type, Field))
#define RtlZeroMemory(To, Bytes)       memset((To), 0, (Bytes))
#define RtlCopyMemory(To, From, Bytes) memcpy((To), (From), (Bytes))
#define UNREFERENCED_PARAMETER(Name)   ((void)(Name))
#define InterlockedIncrement(At)       __atomic_add_fetch((At), 1, __ATOMIC_SEQ_CST)
#define InterlockedDecrement(At)       __atomic_sub_fetch((At), 1, __ATOMIC_SEQ_CST)
#define InterlockedExchange(At, Value) __atomic_exchange_n((At), (Value), __ATOMIC_SEQ_CST)
#define InterlockedExchangeAdd(At, By) __atomic_fetch_add((At), (By), __ATOMIC_SEQ_CST)

static inline LONG InterlockedCompareExchange(volatile LONG *At, LONG Value, LONG Comparand)
{
    (void)__atomic_compare_exchange_n(At, &Comparand, Value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    return Comparand;
}

typedef pthread_mutex_t KSPIN_LOCK;

#define KeInitializeSpinLock(Lock)    ((void)pthread_mutex_init((Lock), NULL))
#define KeAcquireSpinLock(Lock, Irql) (*(Irql) = 0, (void)pthread_mutex_lock(Lock))
#define KeReleaseSpinLock(Lock, Irql) ((void)(Irql), (void)pthread_mutex_unlock(Lock))

typedef struct KEVENT {
    int Set;
} KEVENT, *PKEVENT;

enum { NotificationEvent, SynchronizationEvent };
#define IO_NO_INCREMENT 0

void KeInitializeEvent(KEVENT *Event, int Type, BOOLEAN Set);
LONG KeSetEvent(KEVENT *Event, LONG Increment, BOOLEAN Wait);
