/*
 * settings.c - the service of an external driver.
 *
 * Sources: "ChangeServiceConfig" and "Registry value types" in the Win32 reference.
 */
#include "settings.h"
#include "service.h"

#include <stdlib.h>
#include <wchar.h>

#define VALUE_TEXTS_MAX 64u
#define VALUE_BYTES_MAX (64u * 1024u)
#define DEPENDS_CHARS   4096u

/* A registry value in the making. */
typedef struct VALUE {
    wchar_t *Name;
    DWORD Type;
    DWORD Bytes;
    UINT8 Data[VALUE_BYTES_MAX];
} VALUE;

static BOOL AddText(VALUE *Value, const char *Text)
{
    int room = (int)((sizeof Value->Data - Value->Bytes) / sizeof(wchar_t)) - 1; /* and the list's own NUL */
    int chars = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, Text, -1,
                                    (wchar_t *)(Value->Data + Value->Bytes), room);

    Value->Bytes += (DWORD)chars * sizeof(wchar_t);
    return chars > 0;
}

static BOOL HexValue(char Digit, UINT8 *Value)
{
    if (Digit >= '0' && Digit <= '9')
        *Value = (UINT8)(Digit - '0');
    else if (Digit >= 'a' && Digit <= 'f')
        *Value = (UINT8)(Digit - 'a' + 10);
    else if (Digit >= 'A' && Digit <= 'F')
        *Value = (UINT8)(Digit - 'A' + 10);
    else
        return FALSE;
    return TRUE;
}

BOOL HexBytes(const char *Digits, UINT8 *Bytes, DWORD BytesMax, DWORD *Count)
{
    for (*Count = 0; Digits[0] != '\0'; Digits += 2, ++*Count) {
        UINT8 high, low;

        if (*Count == BytesMax || !HexValue(Digits[0], &high) || !HexValue(Digits[1], &low))
            return FALSE;
        Bytes[*Count] = (UINT8)(high << 4 | low);
    }
    return TRUE;
}

static BOOL AddNumber(VALUE *Value, WORDS *Settings)
{
    UINT64 number;

    if (!WordsNextNumber(Settings, Value->Type == REG_DWORD ? MAXUINT32 : MAXUINT64, &number))
        return FALSE;
    Value->Bytes = Value->Type == REG_DWORD ? sizeof(UINT32) : sizeof(UINT64);
    memcpy(Value->Data, &number, Value->Bytes); /* little-endian, as the registry wants it */
    return TRUE;
}

/* Reads what is behind "value". The name is to be freed, whatever is returned. */
static BOOL ReadValue(WORDS *Settings, VALUE *Value)
{
    UINT64 type, count;
    const char *text;

    Value->Bytes = 0;
    Value->Name = WordsNextWide(Settings);
    if (Value->Name == NULL || !WordsNextNumber(Settings, REG_QWORD, &type) ||
        !WordsNextNumber(Settings, VALUE_TEXTS_MAX, &count) || count == 0)
        return FALSE;
    Value->Type = (DWORD)type;
    if (count != 1 && type != REG_MULTI_SZ)
        return FALSE;
    switch (type) {
    case REG_DWORD:
    case REG_QWORD: return AddNumber(Value, Settings);
    case REG_BINARY:
        text = WordsNext(Settings);
        return text != NULL && HexBytes(text, Value->Data, sizeof Value->Data, &Value->Bytes);
    case REG_SZ:
    case REG_MULTI_SZ:
        for (UINT64 i = 0; i < count; i++) {
            text = WordsNext(Settings);
            if (text == NULL || !AddText(Value, text))
                return FALSE;
        }
        if (type == REG_MULTI_SZ) {
            memset(Value->Data + Value->Bytes, 0, sizeof(wchar_t));
            Value->Bytes += sizeof(wchar_t);
        }
        return TRUE;
    default: return FALSE;
    }
}

/* What a list of settings comes to. */
typedef struct SETTINGS {
    DWORD Start;
    wchar_t Depends[DEPENDS_CHARS]; /* one behind the other, each with its NUL, and another at the end */
    size_t DependsChars;
    wchar_t *Inf;
    HKEY Key; /* where values are written; NULL: they are only read */
} SETTINGS;

static BOOL AddDepend(SETTINGS *Settings, const char *Name)
{
    int room = (int)(DEPENDS_CHARS - Settings->DependsChars) - 1;
    int chars = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, Name, -1,
                                    Settings->Depends + Settings->DependsChars, room);

    if (chars <= 0 || !ServiceNameValid(Settings->Depends + Settings->DependsChars))
        return FALSE;
    Settings->DependsChars += (size_t)chars;
    Settings->Depends[Settings->DependsChars] = L'\0';
    return TRUE;
}

static DWORD TakeValue(SETTINGS *Settings, WORDS *Words)
{
    DWORD error = ERROR_NOT_ENOUGH_MEMORY;
    VALUE *value = calloc(1, sizeof *value);

    if (value == NULL)
        return error;
    error = ERROR_INVALID_DATA;
    if (ReadValue(Words, value))
        error = Settings->Key == NULL ? ERROR_SUCCESS
                                      : (DWORD)RegSetValueExW(Settings->Key, value->Name, 0, value->Type,
                                                              value->Data, value->Bytes);
    free(value->Name);
    free(value);
    return error;
}

static DWORD Take(SETTINGS *Settings, WORDS Words)
{
    const char *word;

    while ((word = WordsNext(&Words)) != NULL) {
        DWORD error = ERROR_INVALID_DATA;
        UINT64 number;

        if (strcmp(word, "start") == 0 && WordsNextNumber(&Words, SERVICE_DEMAND_START, &number)) {
            Settings->Start = (DWORD)number;
            error = ERROR_SUCCESS;
        } else if (strcmp(word, "depend") == 0) {
            word = WordsNext(&Words);
            if (word != NULL && AddDepend(Settings, word))
                error = ERROR_SUCCESS;
        } else if (strcmp(word, "value") == 0) {
            error = TakeValue(Settings, &Words);
        } else if (strcmp(word, "inf") == 0 && Settings->Inf == NULL) {
            Settings->Inf = WordsNextWide(&Words);
            error = Settings->Inf != NULL ? ERROR_SUCCESS : ERROR_INVALID_DATA;
        }
        if (error != ERROR_SUCCESS)
            return error;
    }
    return ERROR_SUCCESS;
}

BOOL SettingsValid(WORDS Settings)
{
    SETTINGS settings = {.Start = SERVICE_DEMAND_START};
    DWORD error = Take(&settings, Settings);

    free(settings.Inf);
    return error == ERROR_SUCCESS;
}

wchar_t *SettingsInf(WORDS Settings)
{
    SETTINGS settings = {.Start = SERVICE_DEMAND_START};

    if (Take(&settings, Settings) == ERROR_SUCCESS)
        return settings.Inf;
    free(settings.Inf);
    return NULL;
}

static DWORD Configure(const wchar_t *Name, const SETTINGS *Settings)
{
    SC_HANDLE service;
    DWORD error = ServiceOpen(Name, SERVICE_CHANGE_CONFIG, &service);

    if (error != ERROR_SUCCESS)
        return error;
    if (!ChangeServiceConfigW(service, SERVICE_NO_CHANGE, Settings->Start, SERVICE_NO_CHANGE, NULL, NULL,
                              NULL, Settings->Depends, NULL, NULL, NULL))
        error = GetLastError();
    CloseServiceHandle(service);
    return error;
}

DWORD SettingsApply(const wchar_t *Name, WORDS Words)
{
    SETTINGS settings = {.Start = SERVICE_DEMAND_START};
    wchar_t key[SERVICE_KEY_CHARS];
    DWORD error;

    ServiceParametersKey(Name, key);
    /* What an earlier service of this name had is not this one's. */
    error = (DWORD)RegDeleteTreeW(HKEY_LOCAL_MACHINE, key);
    if (error == ERROR_SUCCESS || error == ERROR_FILE_NOT_FOUND)
        error = (DWORD)RegCreateKeyExW(HKEY_LOCAL_MACHINE, key, 0, NULL, 0, KEY_SET_VALUE, NULL,
                                       &settings.Key, NULL);
    if (error != ERROR_SUCCESS)
        return error;
    error = Take(&settings, Words);
    RegCloseKey(settings.Key);
    if (error == ERROR_SUCCESS)
        error = Configure(Name, &settings);
    free(settings.Inf);
    return error;
}
