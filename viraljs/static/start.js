"use strict";(()=>{var{url:o}=__VIRALJS__,r=window.ViralJS?.modules;r||(window.viraljsNative=!0);(r?r.then(({load:i})=>i(o,location.href)):import(o)).catch(reportError);})();
