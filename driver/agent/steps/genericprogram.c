/*
 * genericprogram.c - steps that run a program. Source: "CreateProcess" in the Win32 reference.
 */
#include "environment.h"
#include "genericpath.h"
#include "oldreport.h"
#include "path.h"
#include "programinput.h"
#include "runorder.h"
#include "status.h"
#include "undo.h"
#include "wskjudge.h"

#include <stdlib.h>
#include <wchar.h>

#define COMMAND_CHARS 32000u

/* Of a file that is too long its size is told all the same. */
static DWORD KeepFile(const wchar_t *Path, CAPTURE *Kept)
{
    UINT8 buffer[4096];
    LARGE_INTEGER size;
    DWORD got = 0, error = ERROR_SUCCESS;
    HANDLE file =
        CreateFileW(Path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, 0, NULL);

    if (file == INVALID_HANDLE_VALUE)
        return GetLastError();
    Kept->Room = WSKP_REPORT_BYTES;
    Kept->Data = malloc(Kept->Room);
    do {
        if (!ReadFile(file, buffer, sizeof buffer, &got, NULL)) {
            error = GetLastError();
            break;
        }
        CaptureAdd(Kept, buffer, got);
    } while (got != 0 && Kept->Total <= Kept->Room);
    if (Kept->Total > Kept->Room && GetFileSizeEx(file, &size) && (UINT64)size.QuadPart > Kept->Total)
        Kept->Total = (UINT64)size.QuadPart;
    CloseHandle(file);
    return error;
}

/* NAME.exe, to be freed; NULL without memory. */
static wchar_t *WithExe(const wchar_t *Name)
{
    static const wchar_t exe[] = L".exe";
    size_t length = wcslen(Name);
    wchar_t *named = calloc(length + ARRAYSIZE(exe), sizeof *named);

    if (named != NULL) {
        wcscpy(named, Name);
        wcscpy(named + length, exe);
    }
    return named;
}

/* The program where it is in the case's folder or its suite's, with or without its .exe; NULL where it is
 * not. To be freed. */
static wchar_t *InCaseFolder(const STEP_RUN *Run, const wchar_t *Program)
{
    DWORD error;
    wchar_t *own = GenericFind(Run, Program, &error), *named, *exe;

    if (own == NULL || GetFileAttributesW(own) != INVALID_FILE_ATTRIBUTES)
        return own;
    free(own);
    named = WithExe(Program);
    exe = named != NULL ? GenericFind(Run, named, &error) : NULL;
    free(named);
    if (exe != NULL && GetFileAttributesW(exe) != INVALID_FILE_ATTRIBUTES)
        return exe;
    free(exe);
    return NULL;
}

/* "C:\…\work\0\tool.exe" arguments; a program that is not in the case's folder is looked for as Windows does.
 */
static wchar_t *CommandLine(const STEP_RUN *Run, const RUN_ORDER *Order)
{
    wchar_t *line = calloc(COMMAND_CHARS, sizeof *line), *own = InCaseFolder(Run, Order->Program);
    const wchar_t *name = own != NULL ? PathPlain(own) : Order->Program;

    if (line != NULL && wcslen(name) + wcslen(Order->Arguments) + 3 < COMMAND_CHARS &&
        wcschr(name, L'"') == NULL) {
        wcscpy(line, L"\"");
        wcscat(line, name);
        wcscat(line, L"\"");
        wcscat(line, Order->Arguments); /* begins with a blank */
    } else {
        free(line);
        line = NULL;
    }
    free(own);
    return line;
}

/* The step fails, there. */
static UINT32 RunFails(STEP_RUN *Run, UINT32 At, DWORD Error)
{
    Run->Result->Value[WSKP_V_RUN_AT] = At;
    return StatusOfWin32(Error);
}

/* Is the exit code as the step has it? */
static BOOL ExitFits(const STEP_RUN *Run)
{
    const WSKT_STEP *step = Run->Step;

    for (UINT32 i = 0; i < step->CheckCount; i++) {
        UINT16 value = step->Check[i].Value;

        if ((value == WSKP_V_RUN_EXIT || value == WSKP_V_RUN_LISTED) &&
            !WsktCheckHolds(&step->Check[i], Run->Result))
            return FALSE;
    }
    return TRUE;
}

/* Is it one of those that the texts name? */
static BOOL ExitIsListed(const RUN_ORDER *Order, DWORD ExitCode)
{
    WORDS words = Order->Rest;
    const char *word;
    UINT64 code;

    while ((word = WordsNext(&words)) != NULL) {
        if (strcmp(word, "exit") != 0)
            (void)WordsNext(&words);
        else if (WordsNextNumber(&words, MAXUINT32, &code) && code == ExitCode)
            return TRUE;
    }
    return FALSE;
}

/* Which of the files that its arguments name is not there, for whoever wonders why the program failed. */
static void LookForFiles(STEP_RUN *Run, const RUN_ORDER *Order)
{
    WORDS words = Order->Rest;
    const char *word;
    UINT64 index = 0;

    while ((word = WordsNext(&words)) != NULL) {
        wchar_t *name = WordsNextWide(&words), *path = NULL;
        DWORD error;

        if (strcmp(word, "look") == 0 && Run->Result->Value[WSKP_V_RUN_MISSING] == 0) {
            index++;
            path = GenericPath(Run->Folders.Work, name, &error);
            if (path != NULL && GetFileAttributesW(path) == INVALID_FILE_ATTRIBUTES)
                Run->Result->Value[WSKP_V_RUN_MISSING] = index;
        }
        free(path);
        free(name);
    }
}

/* Of a program that ended otherwise than it should, that is what is to be told. */
static UINT32 EndOfProgram(STEP_RUN *Run, const RUN_ORDER *Order, const wchar_t *Report)
{
    DWORD error = Report != NULL ? KeepFile(Report, &Run->Kept[OUTPUT_REPORT]) : ERROR_SUCCESS;

    if (!ExitFits(Run)) {
        LookForFiles(Run, Order);
        return STATUS_SUCCESS_VALUE;
    }
    return error != ERROR_SUCCESS ? RunFails(Run, WSKP_RUN_AT_REPORT, error) : STATUS_SUCCESS_VALUE;
}

static UINT32 RunProgram(STEP_RUN *Run, const RUN_ORDER *Order, PROGRAM *Program, const wchar_t *Report)
{
    DWORD error = ProgramRun(Program);

    Run->Kept[OUTPUT_OUT] = Program->Out;
    Run->Kept[OUTPUT_ERR] = Program->Err;
    Run->Result->Value[WSKP_V_RUN_EXIT] = Program->ExitCode;
    Run->Result->Value[WSKP_V_RUN_LISTED] = ExitIsListed(Order, Program->ExitCode);
    Run->Result->Value[WSKP_V_RUN_OUT] = Program->Out.Total;
    Run->Result->Value[WSKP_V_RUN_ERR] = Program->Err.Total;
    if (error != ERROR_SUCCESS)
        return RunFails(Run, WSKP_RUN_AT_START, error);
    if (Program->Cancelled)
        return StatusOfWin32(ERROR_CANCELLED);
    return Program->TimedOut ? STATUS_TIMEOUT_VALUE : EndOfProgram(Run, Order, Report);
}

/* The case's folder, which is made when something first needs it. */
static DWORD MakeCaseFolder(const wchar_t *Folder)
{
    wchar_t *inside = PathJoin(Folder, L"x");
    DWORD error = inside != NULL ? PathMakeFolders(inside) : ERROR_NOT_ENOUGH_MEMORY;

    free(inside);
    return error;
}

/*
 * What is in the report's place goes before the program runs. Outside of the case's folder it comes back when
 * the case is over, and the report goes.
 */
static DWORD MakeRoomForReport(const STEP_RUN *Run, const wchar_t *Name, const wchar_t *Path)
{
    return HasDrive(Name) ? UndoMakeRoom(Run->Journal, Path, TRUE) : OldReportRemove(Path);
}

/* A report that is there before the program runs is another's: nothing of this one is proven by it. */
static UINT32 RunWithReport(STEP_RUN *Run, const RUN_ORDER *Order, PROGRAM *Program)
{
    DWORD error = MakeCaseFolder(Run->Folders.Work);
    wchar_t *report = NULL;
    UINT32 status;

    if (error != ERROR_SUCCESS)
        return RunFails(Run, WSKP_RUN_AT_FOLDER, error);
    if (Order->Report != NULL) {
        report = GenericPath(Run->Folders.Work, Order->Report, &error);
        if (report != NULL)
            error = MakeRoomForReport(Run, Order->Report, report);
    }
    if (error != ERROR_SUCCESS) {
        free(report);
        return RunFails(Run, WSKP_RUN_AT_OLD_REPORT, error);
    }
    error = ProgramInputOpen(Run->Folders.Work, Order, &Program->Input);
    status = error != ERROR_SUCCESS ? RunFails(Run, WSKP_RUN_AT_INPUT, error)
                                    : RunProgram(Run, Order, Program, report);
    free(report);
    return status;
}

static UINT32 DoRun(STEP_RUN *Run)
{
    BOOL reports = (Run->Step->Arg[1] & WSKP_RUN_STDOUT_REPORT) != 0;
    PROGRAM program = {.TimeoutMs = (UINT32)Run->Step->Arg[0],
                       .Folder = PathPlain(Run->Folders.Work),
                       .Ends = {Run->Cancel, Run->Over},
                       .Begun = Run->Begun,
                       .Out.Room = reports ? WSKP_REPORT_BYTES : WSKP_GENERIC_BYTES,
                       .Err.Room = WSKP_GENERIC_BYTES};
    UINT32 status = RunFails(Run, WSKP_RUN_AT_START, ERROR_INVALID_NAME);
    RUN_ORDER order;

    if (RunOrderRead(Run->Words, &order)) {
        program.CommandLine = CommandLine(Run, &order);
        program.Environment = EnvironmentWith(order.Rest);
    }
    if (program.CommandLine != NULL && program.Environment != NULL) {
        Run->Result->Value[WSKP_V_RUN_AT] = WSKP_RUN_AT_NOTHING;
        status = RunWithReport(Run, &order, &program);
    }
    free(program.CommandLine);
    free(program.Environment);
    RunOrderFree(&order);
    return status;
}

static BOOL RunStepFits(const WSKT_STEP *Step, WORDS Words)
{
    RUN_ORDER order;
    BOOL fit =
        Step->Arg[0] <= WSKP_MAX_WAIT_MS && Step->Arg[1] <= WSKP_RUN_OPTIONS && RunOrderRead(Words, &order);

    RunOrderFree(&order);
    return fit;
}

const STEP_KIND RunStep = {.Op = WSKP_OP_RUN,
                           .Execute = DoRun,
                           .ArgMax = {WSKP_MAX_WAIT_MS, WSKP_RUN_OPTIONS},
                           .Fits = RunStepFits,
                           .TextsMin = 2,
                           .TextsMax = RUN_TEXTS_MAX,
                           .Traits = STEP_ON_THREADS | STEP_WAITS_LONG | STEP_PROGRAM};
