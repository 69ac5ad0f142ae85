"""One small table as different pandas versions have pickled it: `DataFrame.to_pickle`, compressed and in base 85.

frame = pandas.DataFrame({"uuid": ["a", "b", "c"], "x": [1.5, 2.5, 3.5], "y": [4.0, 5.0, 6.0], "count": [7, 8, 9],
                          "moves": [True, False, True], "sibling": ["b", None, "a"]})
frame[frame.x > 2]
"""

from __future__ import annotations

import base64
import zlib

_PICKLED = {
    "1.5.3, protocol 5": (
        r"c-nQ7-)q!B5XY0;r9ZAkYtdQ}if^7T2SpJdM2}X)8azP|AEYdsWOEyuY>w=%ZNY**w6?Hsj{Q6R4|F!kU2|9$va?Bcc0M!vop1iH"
        r"-yNqK=GKIYn94y^lx&ccG-qIzUr|M0SL>hf=sTQ1-*ibnF2QWIx2Hm}QqW8eaw_PUl@iSAPF6$*@9KAS@0*Rrg=A?cuYADVBw9?;"
        r"=pbVxv`)C&tP7n_j_c!b$;vbWvqF-x$U~hZ^^upJ(+n4kUwNR7)$zmv8!z03i}N4w0s2A5xL;v38om94qnZLoK^VA!cLv7Y1%=zp"
        r"QmE5Rr2?URnWd3ECg=u!;M!9H&(3^>-{@aHaN46gtnF%JZ#Q;x2z=dm$+I@c^XoV~%fati3ciI@oqt2FHNln|yWH3+MA{0$AO0`V"
        r"S%3~^H5b6#X%#%zSOi*@6wA3vN){DDs!~S^%fZ*oB3@(l6N}@V!mb-a9ocQtK%Vz)o{f2)m&kLmkBUG?<3=ztE(L}k5zGmCfqw<2"
        r"!0y|e7hBAZm>h&uqC|T{utTzEzgf7C#-FY$vBoH1;4k>lg7Tdy<^sOFsSvtar!i6-;bX-U6<R2?dGUpz3KnG=W~mrgc&00CD~$A+"
        r"E!ih?|2nLhSbKXyJ$=%m;h)>L=r-1y-QwfGJDuJTuY)i<VauVSu^VkN)6OJ0Q?$x%A8Dyl*mEaf7D$rOakaclv#dCjB-RsDGF6OZ"
        r"G-TLs=Te7*znLa=Sp"
    ),
    "1.5.3, protocol 4": (
        r"c-oCq-)q!B5KeMQe_5=>Uk8eaPv=XZAmT&8Vnt|!C-@>h9LpxzyR1z%A-l0Xu%Hjt7WS><-{+sAvzr`E@jy3ZXE&Lh@0*=(zWP6Z"
        r"4IDf4c11->WtfyT3#T<L80huaRM9tfeF;y$!6}TiPl{O$`cdDV3&m<da~T#?&>5>G=*?GonH;@s_jr7y?{!B=&SQCX2J{wbM8%V%"
        r"oRQcZLT`OnG(|OU!xv4iIIU|s$FQVkNhzeNn?xDMz&e6n#n{&65+dh2?7K1ifcG$pTztGU$hLHls(EEn(O$d*7w7H&fp)*ZcsxG*"
        r"jl)inqaeQ6_Z$~+q1WPuBLRU-1DW&0M2P$-h+GpO^30sw$Zlra1~|LDfb}fwP<zuCeX!l7V2|4}_<OD0?ChP+4)+X|><NY){0rAz"
        r";PM`B7A`}*wbq7r);rsw3^2d{&F)<v<>7Udmj-2mwa02`H-WKsDX<p9i8i9(3PXYM8(x=H%1)RJV=7UM8$_^Ua$vq;0kRJ|Sgfrq"
        r"Q<N(FO>+e|hn9lhG(1HXC-|aXf~0JOLR*xd8J2cc@;K*WX6b2P7}1ZLGn4&C{a_g_6dtR2g3Jztdj71(CYvm|FWl_njl11Vd;J^#"
        r")FLr6VTYkivH46!i$){`Q`Dw7LCRDqY_U_&D`c9}nO)wed0rk%k~S4;lqyDY8Z&IKbJ@h<ADF~+p8"
    ),
    "2.2.3, protocol 5": (
        r"c-nQ7-)q${6vx}%+x<r853ciN_~!McAinq@df7zO;uQoDkrC21y(w$cOPaV19O%R526^+if5|^fPjY*=UerKyk~AmhlaufH8vgv%"
        r"^IS7Grc`9KiPBoKD3`QiU{;?~MPIn_4|wnmj$vr}q?$-D+uiMjP)rJ1Hc>?doiN#e+1M%TbpOq4j_yM<XkAEIB+Zo%nCnD~X_4-i"
        r"j3m|xcbi*6SJR`2xbtz$WRZedC%LSvMCbYJ%!|Nln-3;*E@(4#G_}MgNFKuZ*>`vc!?<VsFEAdDU;oDDy4X{Y#C{x{g7J4j;Wo39"
        r"=%Q4GK&r4Qi_{(y_v0}3?J03!d%n)E4KMC_-PRw?>_%&Ew{~j;{H6)=$6bym|KbQN2fu46_%>4Y{tmg>23u+EYHMAHq7#DO|KCL~"
        r"1N87#3jxfaoAF9x7O0dI^SMDJOKZ_6sZ)jd;G1R{AJYBA?06@z>nAV^?YH+pptoJ1!6MKz1UlbCO`xOkQy3ec0>ecl^WwEQydqOz"
        r"_iZi8En|nQi4xkNNY{v92jrDqvvBWCI3GK?W+-9cPx;7#@|`*65>8$^gud2Ah7^bRS@oo~77A@ue`Y9y<)%o=LQEW<=?hy7V|{9K"
        r"_JM!I5d2g3ZT!{-mv8eZ4o>EI=QB@cJFFzsDHfR}oEIFan4%7O4-u$RSW3rWmPlUGi5uRbWmz9IB-2yWCsmA;G+|gqXN^vxKTk7d"
        r"3j"
    ),
    "2.2.3, protocol 4": (
        r"c-oCq&1=*^6i>2Azbw|G)IErZr}Yx>=AmG*BG_OAFCwxGlVo-iJDDt*8QTR5da$-Iw?6+A|2};)$<i$@=!DFBlf3tSzj+^D!=Jwf"
        r"o?B*jMnyqooHs3tCoQcRn9Y||(N|8tf+yeL3`Qm-^|S@^aM`>PinW4r8P`<MDQhK|?H9bskKc4>bRU_$-i7cglh;0Ac8C_UDnI6o"
        r"WY!6-&7RQpY#tLAzt&t;v~B4e<C2!;jgYF<xw4j#vjnq_!JWw!B;I#8^fUMY?_iYp_yp%r?wF`h^O?Pi39_efdC~nJ82<~TX?pY<"
        r"m)jCgL3Vi<cs`(FHZoly0fAH_$*bH(NWvsad>bGM>|Wj~Z<o6kxV*c74IJ#y1e0gWVEZe<9(8pH4?4Ns%X_^X9#|^nV+=d^7p}j+"
        r"t(I`hcopiMjV`>m*~=bffcN{~+r3>zd2kcuxkVXc@v$1l&mlEF1=eAB$yO3wV<@n8!<&6ouu~@Ej7sdrEh5+nd2PR80m}C#TIjAX"
        r"3+z?+o8}rGjvR$h>#9H&r}$#OM0ulyLRmMT8J2ckRvE9v)X_7cuw9?(b9?&_<wt}l$19S6hkZ<=-={BFPUEM}o!JfN273=j%F<kn"
        r"7pa+|j`tXOP^EBi&cLjZ38z!1-lv>5Cz2F;hK)xRBb;Uohvq`+EdB#o7i01"
    ),
    "3.1.1, protocol 5": (
        r"c-oazOK;RL5Z<K8w%eAM3Z)WN=>=(fSqV-cA?QmW8WE&&t}G|<uA@zy$Z=>_q5=+GTI3t1|A-&NjT?-;Nt-Q52usO0@yvYRcpe|!"
        r"Z{MAkS+bpD7U4q4&Mp@C1;;5-U)9DZb*#G5LFs@ixi-=1g&8Nkm<hrePKsWN86FT0wu{?I77kxezQMdJmn##L#6fXsqvQ=#vOErl"
        r"2|<B20&Tf8rHnbpBhXw$C?6eNs{6ZJ`eYl2LlSATYn54Tu<%y!m<@~;obTOl|8V@zYG2V-eYPt`xsDIQ9toN;_432d$wiDoPcE}E"
        r"%||_C0!_<A#Kt!Sh&Tx|RtR2(LfgAWQ^{FiP~my46SZRnN+WhX%d<}uU6pQBL)vd1tFzO|>5R1AE8q9`e!(&?@3~OH*#TS~xR6$;"
        r"2z-xKAm@TI1|kdsbc-YoiGc$DmUiXYCcp)`)T9o3!s8IG1oe5A24%lL$;<hAtGS%biCnDY?Mkj}D*8a${VBpvuMlnlLC^N=G0@#n"
        r"LeqEzv}UG>(I?&Wn-$z#B|DWgAaMhPKKl!Vr6K561u)||e*)NbK$dYCJZ!k!_@_(9bFa9(PH#1;=MG(-DieB-uIXgc^=7KOI(Zj*"
        r"(!zBH0m1d!O$4EIo>!*3Dk4Xu=moeSO3ouj4$&+953&a3>(+bIl@WBR`frl$nxu5fGL9f?NAN%myJ1!`0W!_r5h%0SA`TL0mWvW}"
        r"n4SuLY5WSHGry17fHXMKFFsVKz+5QLl1?GATtUsihQP)$mc+D}gP<Q^+UOYiX4=RON{PTGr~_bug@BoI3_Xha2_Bg3U7RG@VS%DD"
        r"hZewspacg5=E-SM2EE@Jx5;q"
    ),
    "3.1.1, protocol 4": (
        r"c-oazO>fgc5RFqiZQAlBAXK6%y&$ERNO0nSptKQ)S{SLEtJT`x#8&OKWv|;rq5=*Lt+Y3Wzrlaw#tmlIcA8X?0894ldf&{O*?qI0"
        r"&F??VhJIu#rQD}E$abF!`Z}XAgKx0&1<s%=O%e|?kXt3D=Or2Ig<P<V(<tx7l+z*0(06?=O1$HD<s99+vQxQ`D0K5HACR|5!PC$?"
        r"ju>&36QbqaIWWyKI!5FsA?bK@1$X+d)XE<9j+w9AZd7iy!`cUtg?y+{xPI`c_0x2|!XX5WdaW<Usj3gl9*ZF1@aEI6aw8^)lO0~f"
        r">9|L9p>Yw3P{+msNyfZ{=OQaSq5Lh41i6eERD5>h9QF+t6l2#m?B+QHo6_=Y%I5oLaCuR#E=l7fIF57h8z23#UkY$9k8tZSgfu*0"
        r"IG=zkSKK1RL^u{`<x%J{O@;9d70Pbv0@s3v!InxO*q+kc%?SjLWpgk``}`VhL(%SUmz!YjmUg|e_bR)w3kVCIV%Vj>@ftO6IKvyf"
        r"Sj2jJr3~L_SGHnVvdw>Hai7ev>?~qwHjFB+X<OIg-VE-{$mD*|nbX69O~px9ozfI14O$-+GFWzNmO+3z(2e=_@!5#wJ(uPT<SOCp"
        r"l)P2{@K{l&Rz243=VMF4e<#_hlayvrgg&ZigfEKK@{)oJv~hC6P*2Nw=tkHTQ>~d?wZBv7xF?v->LKMrHj`5z9h9M<nE>06W-gKx"
        r"P*yl#I54y))4gO86h2-ns)m8SR%DyROi*3a5oSS!z{}$dn~@A6I@H4lG>VebocKkGTBm}Mh`J0fj*Gl-dw&24iNv1"
    ),
    "3.1.1 with pyarrow, protocol 5": (
        r"c-oCr&rj4q6mFO9%Cd;41UL}m&0<0mZX7s(5REqWfM+t9w$q)4{>pSJY$8z(A|`Wl+{FLXo4!t`%kD}dbLe|BeQ)0P-hA(U>Hg$h"
        r"LoLxOa2DcHivBU?_%*{Rkw4`2mAsU;uuwW=Qao#HoFHe!i8D@EhLh4safXM4f$#FGBoEHsH+yim#kzJuN$i)mK2khFRaV5oSwfIs"
        r"JAt)$sEsjWcmy`9hm7UtA2^G%;bDDti>QwZjFg=egJOhhLkD6=v4R*WIUv-(0R?>`R`{qOD9RbaNepR1wB-b|Awi|OUVfD)((Sm0"
        r"Yn)2k1CM?&LVguRDv|M~F}qAHJ6bA#x;1Y1exOdssr0zgL=S~E21yMuXi_>>dqDC)Cm`Q^{@u7=Hy!~FD1m${Uo84nobWh<vUJNN"
        r"4r)h0Yr5t)g}naKfq0r#X)$t;dLqyXivy?-idddbva!d{XOgiF8o8|HnwFaf5KLVNGHlUyqCNTjrjBR33&Px&p69*$1515egG(O@"
        r"*}0a&Jd(VIwF@v8W`WW@d%UW{FKXFuYf1M-C!PvI5AFzI)*<MT4zS=_{|4wxUQ1o+?@r_XB>#J<<#y*TU1{h?AJa9PuHQ`|Q&9-G"
        r"FyTl`j(HNzlc}|9_jry&^ab6fFK0+XcWQP3)~?%|#>ypN5Sz0N8<GoBIzBFm6iX;0=jd&H29FA)?6$gU_z;GGyhpmdNyluB_vX^F"
        r"wA3TU=xI67vVH%Jx%At8RmI`OD9Edfr};-xma(6-f$vciVP*9Y^D1?81t~6_;A}{y@}$2!=q8RCm#!%+7#oEIZh%5SF_kA#y=Wnz"
        r"KMcpZE|D6JFoIITu`1Ll^ath~M&M=Lwo!tIO5MOolAo6-tO{sZ%n3@cPhkArl$G!N1!l9<2m"
    ),
}


PICKLED = {version: zlib.decompress(base64.b85decode(text)) for version, text in _PICKLED.items()}
"""By version of pandas and protocol."""
