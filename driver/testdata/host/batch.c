/*
 * batch.c - runs batches on this machine, with steps that do as they are told, and prints what the driver
 * would report. With it, the histogram's percentiles of numbers on standard input, and the choices of a seed.
 *
 *   batch percentiles < NUMBERS
 *   batch choose SEED THREAD COUNT WEIGHT...
 *   batch run PARALLEL REPEAT FORMS TIMEOUTMS SEED GROUPS STEP...
 *
 * A step is GROUP:WEIGHT:WHAT:NS[:THREAD:ITERATION], with WHAT one of good, bad (fails there), value (reports
 * 7, and another number there), next (every third run is STATUS_DEVICE_NOT_READY, which ends the list),
 * yield (every second run is refused, which ends the list), stuck (does not come back there), keep (what it
 * reports is kept: its ns), take (takes that, and reports it; there one more), beyond (takes from where there
 * can be nothing).
 */
#include "batch.h"
#include "choice.h"
#include "histogram.h"
#include "kept.h"
#include "step.h"
#include "workers.h"

#include <stdio.h>
#include <stdlib.h>

enum { GOOD = 1, BAD, VALUE, NEXT, YIELD, STUCK, KEEP, TAKE, BEYOND };

/* The rest of the driver */

/*
 * No test depends on how fast the machine is, or stands still: time passes with steps, a microsecond each,
 * and a wait is in vain when no thread is left that could end it.
 */
static volatile UINT64 Now;
static pthread_mutex_t Lock = PTHREAD_MUTEX_INITIALIZER; /* for all below, and events */
static pthread_cond_t Changed = PTHREAD_COND_INITIALIZER;
static int Alive; /* threads that were started, and have not ended */
static int Stuck; /* of these, in a step that does not come back */

static void Count(int MoreAlive, int MoreStuck)
{
    pthread_mutex_lock(&Lock);
    Alive += MoreAlive;
    Stuck += MoreStuck;
    pthread_cond_broadcast(&Changed);
    pthread_mutex_unlock(&Lock);
}

void KeInitializeEvent(KEVENT *Event, int Type, BOOLEAN Set)
{
    UNREFERENCED_PARAMETER(Type);
    Event->Set = Set;
}

LONG KeSetEvent(KEVENT *Event, LONG Increment, BOOLEAN Wait)
{
    UNREFERENCED_PARAMETER(Increment);
    UNREFERENCED_PARAMETER(Wait);
    pthread_mutex_lock(&Lock);
    Event->Set = 1;
    pthread_cond_broadcast(&Changed);
    pthread_mutex_unlock(&Lock);
    return 0;
}

UINT64 ClockNs(VOID)
{
    return InterlockedExchangeAdd(&Now, 0);
}

UINT64 DeadlineIn(UINT32 Ms)
{
    return ClockNs() + (UINT64)Ms * 1000000u;
}

UINT32 DeadlineLeft(UINT64 Deadline)
{
    UINT64 now = ClockNs();

    return now < Deadline ? (UINT32)((Deadline - now + 999999u) / 1000000u) : 0;
}

NTSTATUS WaitFor(PVOID Object, UINT32 Ms)
{
    KEVENT *event = Object;
    int set;

    pthread_mutex_lock(&Lock);
    while (!event->Set && (Ms == WAIT_FOREVER || Alive != Stuck))
        pthread_cond_wait(&Changed, &Lock);
    set = event->Set;
    pthread_mutex_unlock(&Lock);
    return set ? STATUS_SUCCESS : STATUS_TIMEOUT;
}

VOID SleepMs(UINT32 Ms)
{
    (void)InterlockedExchangeAdd(&Now, (UINT64)Ms * 1000000u);
}

static volatile LONG Blocks;

PVOID PoolAllocate(POOL_USE Use, SIZE_T Bytes)
{
    UNREFERENCED_PARAMETER(Use);
    (void)InterlockedIncrement(&Blocks);
    return calloc(1, Bytes);
}

VOID PoolFree(POOL_USE Use, PVOID Block)
{
    UNREFERENCED_PARAMETER(Use);
    (void)InterlockedExchangeAdd(&Blocks, -1);
    free(Block);
}

typedef struct WORK {
    WORK_ROUTINE *Routine;
    WORK_ROUTINE *Report;
    PVOID Context;
} WORK;

static void *Work(void *Parameter)
{
    WORK work = *(WORK *)Parameter;

    free(Parameter);
    work.Routine(work.Context);
    work.Report(work.Context);
    Count(-1, 0);
    return NULL;
}

NTSTATUS WorkersStart(WORK_ROUTINE *Routine, WORK_ROUTINE *Report, PVOID Context)
{
    WORK *work = malloc(sizeof(*work));
    pthread_t thread;

    *work = (WORK){Routine, Report, Context};
    Count(1, 0);
    if (pthread_create(&thread, NULL, Work, work) != 0)
        abort();
    pthread_detach(thread);
    return STATUS_SUCCESS;
}

/* The steps */

static UINT32 Runs[WSKT_MAX_PARALLEL][WSKT_MAX_STEPS]; /* by thread and step: each its own */
static KEVENT Freed;

/* Arg: what, ns, thread, iteration, index. */
VOID StepRun(const STEP_CALL *Call, WSKT_RESULT *Result)
{
    const UINT64 *arg = Call->Step.Arg;
    UINT32 thread = Call->Shift; /* the stride is 1 */
    UINT32 run = Runs[thread][arg[4]]++;
    int here = thread == arg[2] && run == arg[3];

    (void)InterlockedExchangeAdd(&Now, 1000);
    memset(Result, 0, sizeof(*Result));
    Result->Executed = 1;
    Result->ElapsedNs = arg[1] + run;
    Result->MaxNs = Result->ElapsedNs;
    Result->Value[0] = arg[0] == VALUE && here ? 8 : 7;
    Result->Value[1] = arg[0] == KEEP ? arg[1] : run;
    Result->Value[2] = arg[5] + (arg[0] == TAKE && here);
    if (arg[0] == BAD && here)
        Result->Status = 0xC0000001;
    if (arg[0] == NEXT && run % 3 == 2)
        Result->Status = 0xC00000A3;
    if (arg[0] == YIELD && run % 2 == 1)
        Result->Origin = WSKT_ORIGIN_REFUSED;
    if (arg[0] == STUCK && here) {
        Count(0, 1);
        (void)WaitFor(&Freed, WAIT_FOREVER);
        Count(0, -1);
    }
}

static WSKT_STEP ReadStep(const char *Text, UINT32 Index)
{
    static const char *const names[] = {"",      "good",  "bad",  "value", "next",
                                        "yield", "stuck", "keep", "take",  "beyond"};
    unsigned group, weight, thread = ~0u, iteration = ~0u, what = 0;
    unsigned long ns;
    WSKT_STEP step = {0};
    char name[16];

    if (sscanf(Text, "%u:%u:%15[a-z]:%lu:%u:%u", &group, &weight, name, &ns, &thread, &iteration) < 4)
        abort();
    for (unsigned i = GOOD; i <= BEYOND; i++)
        what = strcmp(name, names[i]) == 0 ? i : what;
    step.Op = WSKT_OP_SLEEP;
    step.Group = (UINT16)group;
    step.Weight = (UINT16)weight;
    step.Arg[0] = what;
    step.Arg[1] = ns;
    step.Arg[2] = thread;
    step.Arg[3] = iteration;
    step.Arg[4] = Index;
    if (what == NEXT) {
        step.ExpectCount = 2;
        step.NextCount = 1;
        step.Expect[1] = 0xC00000A3;
    }
    step.Flags = what == YIELD ? WSKT_STEP_YIELD : 0;
    step.CheckCount = 1;
    step.Check[0] = (WSKT_CHECK){.Value = 0, .Compare = WSKT_EQ, .Want = 7};
    step.Keep = what == KEEP;
    if (what == TAKE || what == BEYOND) {
        step.From = what == TAKE ? WSKT_FROM(1, 1) : WSKT_FROM(WSKT_MAX_KEPT + 1, 1);
        step.FromArg = 5;
        step.Check[step.CheckCount++] = (WSKT_CHECK){.Value = 2, .Compare = WSKT_EQ, .From = WSKT_FROM(1, 1)};
    }
    return step;
}

static int RunBatch(char **Args, int Count)
{
    UINT32 steps = (UINT32)Count - 6;
    ULONG input = (ULONG)FIELD_OFFSET(WSKT_BATCH, Step) + steps * (ULONG)sizeof(WSKT_STEP);
    /* As in a request of the driver's, what it answers goes where it was asked. */
    ULONG bytes = input > BatchResultBytes(steps) ? input : BatchResultBytes(steps);
    WSKT_BATCH *batch = calloc(1, bytes);
    WSKT_BATCH_RESULT *out = (WSKT_BATCH_RESULT *)batch;
    NTSTATUS status;

    batch->Abi = WSKT_ABI;
    batch->StepCount = steps;
    batch->Parallel = (UINT32)strtoul(Args[0], NULL, 10);
    batch->Repeat = (UINT32)strtoul(Args[1], NULL, 10);
    batch->ForMs = (UINT32)strtoul(Args[2], NULL, 10);
    batch->TimeoutMs = (UINT32)strtoul(Args[3], NULL, 10);
    batch->Seed = (UINT32)strtoul(Args[4], NULL, 10);
    batch->Groups = (UINT32)strtoul(Args[5], NULL, 10);
    batch->ClientStride = 1;
    for (UINT32 i = 0; i < steps; i++)
        batch->Step[i] = ReadStep(Args[6 + i], i);
    KeInitializeEvent(&Freed, NotificationEvent, FALSE);
    KeptInitialize();
    status = BatchCheck(batch, input, bytes);
    if (NT_SUCCESS(status))
        status = BatchRun(batch, out);
    if (!NT_SUCCESS(status)) {
        printf("{\"refused\":%u}\n", (UINT32)status);
        free(batch);
        return 0;
    }
    printf("{\"completed\":%u,\"step\":%d,\"thread\":%u,\"iteration\":%u,\"steps\":[", out->Completed,
           out->FailedStep, out->FailedThread, out->FailedIteration);
    for (UINT32 i = 0; i < steps; i++) {
        const WSKT_RESULT *result = &out->Result[i];

        printf("%s{\"status\":%u,\"origin\":%u,\"runs\":%u,\"ns\":%lu,\"max\":%lu,\"p\":[%lu,%lu,%lu],\"v\":%"
               "lu,\"w\":%lu}",
               i != 0 ? "," : "", result->Status, result->Origin, result->Executed, result->ElapsedNs,
               result->MaxNs, result->P50Ns, result->P95Ns, result->P99Ns, result->Value[0],
               result->Value[2]);
    }
    /* A thread that was given up frees what it was working on. */
    KeSetEvent(&Freed, 0, FALSE);
    pthread_mutex_lock(&Lock);
    while (Alive != 0)
        pthread_cond_wait(&Changed, &Lock);
    pthread_mutex_unlock(&Lock);
    printf("],\"blocks\":%d}\n", Blocks);
    free(batch);
    return 0;
}

static int Percentiles(void)
{
    static HISTOGRAM histogram;
    unsigned long number;
    UINT64 max = 0;

    while (scanf("%lu", &number) == 1) {
        HistogramAdd(&histogram, number);
        max = number > max ? number : max;
    }
    for (UINT32 percent = 1; percent <= 100; percent++)
        printf("%lu\n", HistogramPercentile(&histogram, percent, max));
    return 0;
}

static int Choose(char **Args, int Count)
{
    WSKT_BATCH *batch = calloc(1, sizeof(*batch) + (size_t)Count * sizeof(WSKT_STEP));
    UINT64 state = ChoiceSeed((UINT32)strtoul(Args[0], NULL, 10), (UINT32)strtoul(Args[1], NULL, 10));
    CHOICE choice;

    batch->StepCount = batch->Groups = (UINT32)Count - 3;
    for (int i = 3; i < Count; i++) {
        batch->Step[i - 3].Group = (UINT16)(i - 3);
        batch->Step[i - 3].Weight = (UINT16)strtoul(Args[i], NULL, 10);
    }
    if (!ChoiceRead(batch, &choice))
        abort();
    for (unsigned long i = strtoul(Args[2], NULL, 10); i != 0; i--)
        printf("%u\n", ChoiceNext(&choice, &state));
    free(batch);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "percentiles") == 0)
        return Percentiles();
    if (argc > 5 && strcmp(argv[1], "choose") == 0)
        return Choose(argv + 2, argc - 2);
    if (argc > 8 && strcmp(argv[1], "run") == 0)
        return RunBatch(argv + 2, argc - 2);
    return 2;
}
