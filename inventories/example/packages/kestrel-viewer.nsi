; Kestrel Viewer: an installer that is no Windows Installer package, as many vendors have them.
;   kestrel-viewer-VERSION.exe /S [/ANSWERS=FILE]     FILE: an .ini file with [licence] key=…
Target amd64-unicode
Unicode true
Name "Kestrel Viewer"
OutFile "kestrel-viewer-${VERSION}.exe"
InstallDir "$PROGRAMFILES64\Kestrel Viewer"
RequestExecutionLevel admin
SilentInstall normal
!include FileFunc.nsh
VIProductVersion "${VERSION}.0"
VIAddVersionKey /LANG=0 "ProductName" "Kestrel Viewer"
VIAddVersionKey /LANG=0 "ProductVersion" "${VERSION}"
VIAddVersionKey /LANG=0 "FileVersion" "${VERSION}"
VIAddVersionKey /LANG=0 "FileDescription" "Kestrel Viewer setup"
VIAddVersionKey /LANG=0 "CompanyName" "Kestrel Imaging"
VIAddVersionKey /LANG=0 "LegalCopyright" "public domain"
!define KEY "Software\Microsoft\Windows\CurrentVersion\Uninstall\KestrelViewer"

Page instfiles
UninstPage instfiles

Section
  SetRegView 64
  SetOutPath "$INSTDIR"
  ; the setup is the program as well: what matters here is that it carries a version
  CopyFiles /SILENT "$EXEPATH" "$INSTDIR\viewer.exe"
  WriteUninstaller "$INSTDIR\uninstall.exe"
  WriteRegStr HKLM "${KEY}" "DisplayName" "Kestrel Viewer ${VERSION}"
  WriteRegStr HKLM "${KEY}" "DisplayVersion" "${VERSION}"
  WriteRegStr HKLM "${KEY}" "Publisher" "Kestrel Imaging"
  WriteRegStr HKLM "${KEY}" "UninstallString" '"$INSTDIR\uninstall.exe"'
  ${GetParameters} $0
  ${GetOptions} $0 "/ANSWERS=" $1
  StrCmp $1 "" done
  ReadINIStr $2 "$1" "licence" "key"
  StrCmp $2 "" 0 +3
    SetErrorLevel 2
    Goto done
  StrLen $3 $2
  WriteRegDWORD HKLM "Software\Kestrel Imaging\Viewer" "KeyLength" $3
done:
SectionEnd

Section Uninstall
  SetRegView 64
  DeleteRegKey HKLM "${KEY}"
  DeleteRegKey HKLM "Software\Kestrel Imaging"
  Delete "$INSTDIR\viewer.exe"
  Delete "$INSTDIR\uninstall.exe"
  RMDir "$INSTDIR"
SectionEnd
