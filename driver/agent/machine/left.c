/* left.c - `left`: what of the harness's own is in the guest. */
#include "left.h"
#include "commands.h"
#include "complain.h"
#include "options.h"
#include "path.h"
#include "service.h"
#include "stream.h"

#include <stdlib.h>
#include <wchar.h>

#define LEFT_HOME      L"C:\\wskharness\\"
#define LEFT_BYTES     (512u * 1024u)
#define SHA1_DIGITS    40u
#define LEFT_COUNT_MAX 1000u /* of each kind */
#define IMAGE_CHARS    1100u

typedef struct SURVEY {
    TEXT Text;
    const wchar_t *Driver;
    const wchar_t *Certificate;
    const wchar_t *Above; /* the key, or the folder, that is being looked through */
    DWORD Count;
    BOOL More;
} SURVEY;

typedef void VISIT(SURVEY *Survey, const wchar_t *Name);

static BOOL Join(wchar_t Key[LEFT_KEY_CHARS], const wchar_t *Above, const wchar_t *Name)
{
    if (wcslen(Above) + wcslen(Name) + 2 > LEFT_KEY_CHARS)
        return FALSE;
    wcscpy(Key, Above);
    wcscat(Key, L"\\");
    wcscat(Key, Name);
    return TRUE;
}

BOOL LeftHasKey(const wchar_t *Key)
{
    HKEY key;

    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, Key, 0, KEY_READ, &key) != ERROR_SUCCESS)
        return FALSE;
    RegCloseKey(key);
    return TRUE;
}

static BOOL ReadText(const wchar_t *Key, const wchar_t *Value, wchar_t *Text, DWORD Chars)
{
    DWORD bytes = Chars * (DWORD)sizeof *Text;

    return RegGetValueW(HKEY_LOCAL_MACHINE, Key, Value, RRF_RT_REG_SZ | RRF_RT_REG_EXPAND_SZ | RRF_NOEXPAND,
                        NULL, Text, &bytes) == ERROR_SUCCESS;
}

BOOL LeftIsService(const wchar_t *Name, const wchar_t *Driver)
{
    wchar_t key[LEFT_KEY_CHARS], image[IMAGE_CHARS];
    const wchar_t *path = image;
    DWORD type = 0, bytes = sizeof type;

    if (!Join(key, LEFT_SERVICES, Name))
        return FALSE;
    if (Driver != NULL && _wcsicmp(Name, Driver) == 0 &&
        RegGetValueW(HKEY_LOCAL_MACHINE, key, L"Type", RRF_RT_REG_DWORD, NULL, &type, &bytes) ==
            ERROR_SUCCESS &&
        type == SERVICE_KERNEL_DRIVER)
        return TRUE;
    if (!ReadText(key, L"ImagePath", image, ARRAYSIZE(image)))
        return FALSE;
    if (*path == L'"')
        path++;
    if (wcsncmp(path, L"\\??\\", 4) == 0 || wcsncmp(path, PATH_PREFIX, PATH_PREFIX_CHARS) == 0)
        path += 4;
    return _wcsnicmp(path, LEFT_HOME, wcslen(LEFT_HOME)) == 0;
}

BOOL LeftIsDevice(const wchar_t *Id, const wchar_t *Driver)
{
    wchar_t key[LEFT_KEY_CHARS], service[LEFT_NAME_CHARS];

    return _wcsnicmp(Id, L"ROOT\\", 5) == 0 && Join(key, LEFT_DEVICES, Id) &&
           ReadText(key, L"Service", service, ARRAYSIZE(service)) && LeftIsService(service, Driver);
}

BOOL LeftCertificateKey(const wchar_t *Name, wchar_t Key[LEFT_KEY_CHARS])
{
    static const wchar_t *const stores[] = {L"ROOT", L"TrustedPublisher"};

    for (size_t i = 0; i < ARRAYSIZE(stores); i++) {
        size_t length = wcslen(stores[i]);

        if (_wcsnicmp(Name, stores[i], length) == 0 && Name[length] == L'\\' &&
            wcslen(Name + length + 1) == SHA1_DIGITS &&
            wcsspn(Name + length + 1, L"0123456789abcdefABCDEF") == SHA1_DIGITS) {
            wcscpy(Key, LEFT_STORES L"\\");
            wcscat(Key, stores[i]);
            wcscat(Key, L"\\Certificates\\");
            wcscat(Key, Name + length + 1);
            return TRUE;
        }
    }
    return FALSE;
}

/* Notes one, as long as there is room. */
static void Note(SURVEY *Survey, const wchar_t *Name)
{
    if (Survey->Count == LEFT_COUNT_MAX) {
        Survey->More = TRUE;
        return;
    }
    Survey->Count++;
    JsonWide(&Survey->Text, NULL, Name);
}

static void EachKey(SURVEY *Survey, const wchar_t *Key, VISIT *Visit)
{
    wchar_t name[LEFT_NAME_CHARS];
    HKEY key;

    if (RegOpenKeyExW(HKEY_LOCAL_MACHINE, Key, 0, KEY_READ, &key) != ERROR_SUCCESS)
        return;
    for (DWORD i = 0;; i++) {
        DWORD chars = ARRAYSIZE(name);

        if (RegEnumKeyExW(key, i, name, &chars, NULL, NULL, NULL, NULL) != ERROR_SUCCESS)
            break;
        Visit(Survey, name);
    }
    RegCloseKey(key);
}

static void VisitService(SURVEY *Survey, const wchar_t *Name)
{
    if (LeftIsService(Name, Survey->Driver))
        Note(Survey, Name);
}

static void VisitDevice(SURVEY *Survey, const wchar_t *Name)
{
    wchar_t id[LEFT_KEY_CHARS];

    if (Join(id, Survey->Above, Name) && LeftIsDevice(id, Survey->Driver))
        Note(Survey, id);
}

static void VisitDevices(SURVEY *Survey, const wchar_t *Name)
{
    wchar_t id[LEFT_KEY_CHARS], key[LEFT_KEY_CHARS];

    if (!Join(id, L"ROOT", Name) || !Join(key, LEFT_DEVICES, id))
        return;
    Survey->Above = id;
    EachKey(Survey, key, VisitDevice);
    Survey->Above = NULL;
}

static void EachFile(SURVEY *Survey, const wchar_t *Folder, VISIT *Visit)
{
    wchar_t pattern[LEFT_KEY_CHARS];
    WIN32_FIND_DATAW found;
    HANDLE find;

    if (!Join(pattern, Folder, L"*"))
        return;
    find = FindFirstFileW(pattern, &found);
    if (find == INVALID_HANDLE_VALUE)
        return;
    do {
        if (wcscmp(found.cFileName, L".") != 0 && wcscmp(found.cFileName, L"..") != 0)
            Visit(Survey, found.cFileName);
    } while (FindNextFileW(find, &found));
    FindClose(find);
}

static void VisitInside(SURVEY *Survey, const wchar_t *Name)
{
    wchar_t path[LEFT_KEY_CHARS];

    if (Join(path, Survey->Above, Name))
        Note(Survey, path);
    else
        Survey->More = TRUE;
}

/* The folders for many things are the harness's home itself: what is in them is looked at. */
static void VisitHome(SURVEY *Survey, const wchar_t *Name)
{
    wchar_t path[LEFT_KEY_CHARS];

    if (_wcsicmp(Name, L"agent") != 0 && _wcsicmp(Name, L"store") != 0 && _wcsicmp(Name, L"runs") != 0) {
        Note(Survey, Name);
        return;
    }
    wcscpy(path, LEFT_HOME);
    wcsncat(path, Name, ARRAYSIZE(path) - wcslen(path) - 1);
    Survey->Above = Name;
    EachFile(Survey, path, VisitInside);
    Survey->Above = NULL;
}

static void NoteCertificate(SURVEY *Survey, const wchar_t *Store)
{
    wchar_t name[LEFT_KEY_CHARS], key[LEFT_KEY_CHARS];

    if (Survey->Certificate != NULL && Join(name, Store, Survey->Certificate) &&
        LeftCertificateKey(name, key) && LeftHasKey(key))
        Note(Survey, name);
}

static void Begin(SURVEY *Survey, const char *Kind)
{
    Survey->Count = 0;
    JsonBeginArray(&Survey->Text, Kind);
}

static void Look(SURVEY *Survey)
{
    JsonBegin(&Survey->Text);
    Begin(Survey, "services");
    EachKey(Survey, LEFT_SERVICES, VisitService);
    JsonEndArray(&Survey->Text);
    Begin(Survey, "devices");
    EachKey(Survey, LEFT_DEVICES L"\\ROOT", VisitDevices);
    JsonEndArray(&Survey->Text);
    Begin(Survey, "files");
    EachFile(Survey, L"C:\\wskharness", VisitHome);
    JsonEndArray(&Survey->Text);
    Begin(Survey, "certificates");
    NoteCertificate(Survey, L"ROOT");
    NoteCertificate(Survey, L"TrustedPublisher");
    JsonEndArray(&Survey->Text);
    JsonBool(&Survey->Text, "more", Survey->More || Survey->Text.Full);
    JsonEnd(&Survey->Text);
    TextAdd(&Survey->Text, "\n");
}

int CommandLeft(int Argc, wchar_t **Argv)
{
    SURVEY survey = {0};
    const OPTION options[] = {{.Name = L"--driver", .Value = &survey.Driver},
                              {.Name = L"--certificate", .Value = &survey.Certificate}};
    char *buffer;
    DWORD error;

    if (!OptionsParse(Argc, Argv, options, ARRAYSIZE(options)) ||
        (survey.Driver != NULL && !ServiceNameValid(survey.Driver)))
        return EXIT_USAGE;
    buffer = malloc(LEFT_BYTES);
    if (buffer == NULL)
        return Complain("find what is left", NULL, ERROR_NOT_ENOUGH_MEMORY);
    TextInit(&survey.Text, buffer, LEFT_BYTES);
    Look(&survey);
    error = survey.Text.Full
                ? ERROR_BUFFER_OVERFLOW
                : WriteFully(GetStdHandle(STD_OUTPUT_HANDLE), survey.Text.Data, survey.Text.Length);
    free(buffer);
    return error == ERROR_SUCCESS ? EXIT_DONE : Complain("tell what is left", NULL, error);
}
